"""The client for Python programs: what the command writes comes as typed records and plain rows."""

import warnings
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Unpack

from fer_client.arguments import (
    Input,
    Named,
    Options,
    check_function,
    check_text,
    read_detector,
    read_inputs,
    read_one_input,
    read_settings,
)
from fer_client.errors import UsageError
from fer_client.media.sources import Source
from fer_client.outputs.episodes_table import EpisodeRecords
from fer_client.outputs.face_records import FaceRecord
from fer_client.outputs.faces_table import FaceRecords, records_of
from fer_client.outputs.output import follow
from fer_client.outputs.provenance import provenance
from fer_client.outputs.summary_file import SummaryRecord
from fer_client.outputs.tables import Value
from fer_client.pipeline.analysis import Progress, open_analysis
from fer_client.pipeline.context import Job, open_job
from fer_client.pipeline.interruption import Interruption
from fer_client.settings import AUTO
from fer_client.temporal.episodes import Episode


@dataclass(frozen=True)
class Result:
    """All that there is to say about one input, in memory.

    `summary` is what summary.json holds. An hour of video at 25 frames a second has 90,000 records for every
    face; `fps` makes them fewer, and `Analyzer.records` holds none of them.
    """

    records: list[FaceRecord]
    episodes: list[Episode]
    summary: dict[str, Any]

    @property
    def rows(self) -> list[dict[str, Value]]:
        """Make the rows of the table `faces`, as `Analyzer.rows` yields them."""
        labels = self.summary["models"]["labels"]
        return [record.named_row(labels) for record in self.records]


class Analyzer:
    """Analyses inputs one after the other, with one server and one face detector for all.

        with Analyzer(fps=5) as analyzer:
            for path in paths:
                print(path, analyzer.summary(path)["overall"]["dominant_expression"])

    The arguments are those of `analyze`. A server is found, or started, when the first input is analysed, and
    let go at the end of the block or by `close`. All methods raise UsageError, and InputError where an input is
    not there or cannot be opened, at the call; while frames are read InputError where an input turns out
    damaged, ServerError or ContractError. Use it from one thread at a time.
    """

    def __init__(
        self,
        *,
        url: str | None = None,
        detector: str = AUTO,
        detector_model: Named | None = None,
        progress: Callable[[Progress], None] | None = None,
        notify: Callable[[str], None] | None = None,
        **options: Unpack[Options],
    ) -> None:
        self._settings = read_settings(options)
        if url is not None:
            check_text("url", url)
        self._url = url
        self._progress = progress or _ignore
        self._notify = notify or _ignore
        check_function("progress", self._progress)
        check_function("notify", self._notify)
        self._detector = read_detector(detector, detector_model, self._settings.min_score)
        if self._detector.is_fallback:
            (notify or _warn)(self._detector.advice)
        self._resources = ExitStack()
        self._job: Job | None = None
        self._is_closed = False

    def __enter__(self) -> "Analyzer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closed = True
        self._resources.__exit__(kind, error, trace)

    def close(self) -> None:
        """Stop the server if it was started for this Analyzer, which analyses nothing more."""
        self.__exit__(None, None, None)

    def records(self, inputs: Input | Iterable[Input], /) -> Generator[FaceRecord]:
        """Yield the records of one or several inputs as they are found, in bounded memory.

        With `low_latency` those of a frame come before the next frame is asked for.
        """
        self._check_open()
        return self._records(read_inputs(inputs, self._settings))

    def rows(self, inputs: Input | Iterable[Input], /) -> Generator[dict[str, Value]]:
        """Yield the records as flat rows: the columns of faces.csv, None where a field is empty."""
        self._check_open()
        return self._rows(read_inputs(inputs, self._settings))

    def episodes(self, one_input: Input, /) -> list[Episode]:
        """Return the episodes of one input in the order of their starts."""
        episodes: list[Episode] = []
        self._follow(one_input, _ignore, episodes.append)
        return episodes

    def summary(self, one_input: Input, /) -> dict[str, Any]:
        """Return what summary.json would hold of one input, in bounded memory."""
        return self._follow(one_input, _ignore, _ignore)

    def analyze(self, one_input: Input, /) -> Result:
        """Return records, episodes and summary of one input, which is read once; all records are in memory."""
        records: list[FaceRecord] = []
        episodes: list[Episode] = []
        summary = self._follow(one_input, records.append, episodes.append)
        return Result(records, episodes, summary)

    def _records(self, sources: Iterable[Source]) -> Generator[FaceRecord]:
        for source in sources:
            with open_analysis(source, self._opened_job()) as analysis:
                for frame in analysis.frames:
                    self._progress(analysis.progress(frame))
                    yield from records_of(analysis, frame)
                for error in analysis.unreadable.values():
                    self._notify(str(error))

    def _rows(self, sources: Iterable[Source]) -> Generator[dict[str, Value]]:
        labels = self._opened_job().contract.labels
        with closing(self._records(sources)) as records:
            for record in records:
                yield record.named_row(labels)

    def _follow(
        self,
        one_input: Input,
        take_record: Callable[[FaceRecord], None],
        take_episode: Callable[[Episode], None],
    ) -> dict[str, Any]:
        self._check_open()
        source = read_one_input(one_input, self._settings)
        job = self._opened_job()
        known = provenance(source, job)
        with open_analysis(source, job) as analysis:
            summary = SummaryRecord(analysis, known)
            episodes = EpisodeRecords(analysis, take_episode, summary.add_episode)
            follow(analysis, [FaceRecords(analysis, take_record), episodes, summary], self._progress)
            for error in analysis.unreadable.values():
                self._notify(str(error))
        return summary.result

    def _check_open(self) -> None:
        if self._is_closed:
            raise UsageError("This Analyzer is closed and analyses nothing more. Make another one.")

    def _opened_job(self) -> Job:
        self._check_open()  # a generator may outlive it
        if self._job is None:
            # Signals stay the program's own: the interruption is not installed, so its flag is never set.
            opening = open_job(self._settings, self._detector, self._url, self._notify, Interruption())
            self._job = self._resources.enter_context(opening)
        return self._job


def analyze(
    inputs: Input | Iterable[Input],
    *,
    url: str | None = None,
    detector: str = AUTO,
    detector_model: Named | None = None,
    progress: Callable[[Progress], None] | None = None,
    notify: Callable[[str], None] | None = None,
    **options: Unpack[Options],
) -> Generator[FaceRecord]:
    """Analyse videos, streams, folders and photographs and yield a record per face, as they are found.

    The short form of `Analyzer(...).records(inputs)`, whose server stops with the generator. `inputs`, `url`,
    `detector` and `detector_model` are those of the command, `options` the fields of `Settings`; inputs may be
    `ArrayVideo`s too. `progress` is called after every analysed frame; `notify` takes sentences for the user, such
    as that a server is started. Closing the generator, or leaving its loop, stops threads and server. Memory stays
    bounded whatever the video's length.

    Raises UsageError, and InputError where an input is not there or cannot be opened, at the call; while it
    runs InputError where an input turns out damaged, ServerError or ContractError.
    """
    analyzer = Analyzer(
        url=url,
        detector=detector,
        detector_model=detector_model,
        progress=progress,
        notify=notify,
        **options,
    )
    return _closing(analyzer, analyzer.records(inputs))


def _closing(analyzer: Analyzer, records: Generator[FaceRecord]) -> Generator[FaceRecord]:
    with analyzer, closing(records):
        yield from records


def _ignore(_told: object) -> None:
    pass


def _warn(sentence: str) -> None:
    """Tell who programs, where no `notify` was given, of what changes the results."""
    warnings.warn(sentence, stacklevel=3)

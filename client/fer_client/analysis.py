"""One input from its frames to its result folder; rows are written as they come."""

import importlib.metadata
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from fer_client.analysed import AnalysedFrame
from fer_client.caveats import caveats
from fer_client.episodes import EPISODE_COLUMNS, Episode, Episodes
from fer_client.errors import InputError, fails_alone
from fer_client.fingerprints import fingerprint
from fer_client.interruption import Interruption
from fer_client.job import Job
from fer_client.limits import LimitedVideo
from fer_client.photographs import analysed_photographs
from fer_client.pipeline import Counter, analysed_frames
from fer_client.records import FaceRecord, columns, records
from fer_client.results import result_folder
from fer_client.smoothing import smoothed
from fer_client.sources import Film, Photographs, Source
from fer_client.stages import StageClock
from fer_client.summary import Summary
from fer_client.tables import FORMATS
from fer_client.timeline import timed

T = TypeVar("T")


@dataclass(frozen=True)
class Present:
    """What a face shows in the latest frame of a live stream, by the smoothed answers; `confidence` in [0, 1]."""

    track: int
    expression: str
    confidence: float


@dataclass(frozen=True)
class Progress:
    """How far one input has come; told after every frame.

    `share` is in [0, 1], None where the length is not known. `present`: the faces of a live stream, from left
    to right; None for other inputs.
    """

    source: str
    frames_analysed: int
    time_s: float
    share: float | None
    present: tuple[Present, ...] | None = None


@dataclass
class Analysis:
    """An input under analysis. All but `frames` is final when they have all been read."""

    source: Source
    job: Job
    frames: Iterator[AnalysedFrame]
    clock: StageClock
    video: LimitedVideo | None = None
    counter: Counter = field(default_factory=Counter)
    unreadable: dict[Path, InputError] = field(default_factory=dict)
    frames_analysed: int = 0

    @property
    def is_live(self) -> bool:
        """Whether it is a stream without a known end."""
        return self.video is not None and self.video.info.is_live

    def records(self, frame: AnalysedFrame) -> Iterator[FaceRecord]:
        """Make the records of one frame."""
        name = self.source.name_of_frame(frame.index)
        came = self.video.wall_time(frame.time_s) if self.video and self.is_live else None
        return records(frame, self.job.contract.labels, name, came)

    def progress(self, frame: AnalysedFrame) -> Progress:
        """Count one frame and say how far it is."""
        self.frames_analysed += 1
        present = _present(frame, self.job.contract.labels) if self.is_live else None
        return Progress(self.source.label, self.frames_analysed, frame.time_s, self._share(frame), present)

    def _share(self, frame: AnalysedFrame) -> float | None:
        if self.video is None:
            return (frame.index + 1) / len(self.source.paths)
        info = self.video.info
        lengths = [length for length in (info.duration_s, self.job.settings.duration_s) if length]
        if not lengths or info.is_live:
            return None
        return min(1.0, max(0.0, (frame.time_s - info.start_s) / min(lengths)))


def _present(frame: AnalysedFrame, labels: Sequence[str]) -> tuple[Present, ...]:
    answers = zip(frame.tracks, frame.smoothed.expression, strict=True)
    return tuple(
        Present(track or 0, labels[int(values.argmax())], float(values.max())) for track, values in answers
    )


def open_analysis(source: Source, job: Job) -> AbstractContextManager[Analysis]:
    """Open an input and begin; its threads and files are closed with the block. Raises InputError."""
    if isinstance(source, Film):
        return _open_film(source, job)
    if isinstance(source, Photographs):
        return _open_photographs(source, job)
    raise TypeError(f"expected a film or photographs, came {type(source).__name__}")


@contextmanager
def _open_film(source: Film, job: Job) -> Iterator[Analysis]:
    clock, counter = StageClock(), Counter()
    with ExitStack() as stack:
        with fails_alone(source.shown):
            whole = stack.enter_context(source.open())
        is_enough = _never
        if whole.info.is_live:  # Ctrl-C is how a live stream ends: what has come so far is finished and kept
            is_enough, job = job.interruption.has_come, replace(job, interruption=Interruption())
        video = LimitedVideo(whole, job.settings.duration_s, is_enough)
        with closing(analysed_frames(video, job, clock, counter)) as frames:
            lasting = timed(frames, video.end_s, lambda: video.info.shown_until_s)
            smooth = smoothed(lasting, job.settings.smooth_s)
            yield Analysis(source, job, _failing_alone(smooth, source), clock, video, counter)


def _never() -> bool:
    return False


def _failing_alone(frames: Iterator[T], source: Source) -> Iterator[T]:
    while True:
        with fails_alone(source.shown):
            frame = next(frames, None)
        if frame is None:
            return
        yield frame


@contextmanager
def _open_photographs(source: Photographs, job: Job) -> Iterator[Analysis]:
    clock = StageClock()
    unreadable: dict[Path, InputError] = {}
    with closing(analysed_photographs(source, job, clock, unreadable)) as frames:
        smooth = smoothed(frames, 0)
        yield Analysis(source, job, _failing_alone(smooth, source), clock, unreadable=unreadable)


def analyse(
    source: Source, target: Path, job: Job, report: Callable[[Progress], None], replaces: bool = True
) -> tuple[dict[str, Any], Path]:
    """Analyse one input into the folder `target`; return what summary.json holds, and the folder.

    An earlier result there is replaced, or stays where the new one `replaces` none: then this gets the next free
    number. Raises InputError, ServerError, UsageError or Interrupted; then `target` is as it was before.
    """
    started_s = time.perf_counter()
    known = identity(source, job)
    labels = job.contract.labels
    make_table = FORMATS[job.settings.table_format]
    with open_analysis(source, job) as analysis, result_folder(target, replaces) as draft:
        with (
            make_table(draft.folder, "faces", columns(labels, analysis.is_live)) as faces,
            make_table(draft.folder, "episodes", EPISODE_COLUMNS) as told,
        ):
            summary = follow(
                analysis,
                report,
                lambda record: faces.write(record.row(labels)),
                lambda episode: told.write(episode.row()),
            )
        result = whole_result(known, analysis, summary, started_s)
        (draft.folder / "summary.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result, draft.place


def follow(
    analysis: Analysis,
    report: Callable[[Progress], None],
    take_record: Callable[[FaceRecord], None],
    take_episode: Callable[[Episode], None],
) -> Summary:
    """Read all frames of the input, pass on every record and episode as they come, and summarise them."""
    job, clock = analysis.job, analysis.clock
    labels, settings = job.contract.labels, job.settings
    summary = Summary(labels, job.contract.has_valence_arousal, settings.min_confidence)
    episodes = Episodes(labels, settings.min_episode_s)
    for frame in analysis.frames:
        with clock.time("write"):
            for record in analysis.records(frame):
                take_record(record)
            summary.add(frame)
            for episode in episodes.add(frame):
                take_episode(episode)
                summary.add_episode(episode)
        report(analysis.progress(frame))
        job.interruption.check()
    for episode in episodes.rest():
        take_episode(episode)
        summary.add_episode(episode)
    return summary


def whole_result(
    known: dict[str, Any], analysis: Analysis, summary: Summary, started_s: float
) -> dict[str, Any]:
    """Return what summary.json holds of an input that was read.

    `known` is its `identity` before that, `started_s` is of time.perf_counter. Raises InputError where the input is
    no longer what was opened: of a file that grows, only a part was read.
    """
    source = analysis.source
    if source.fingerprint() != known["input"]["fingerprint"]:
        raise InputError(
            f"{source.shown}: expected an input that stays as it is, but it changed while it was analysed, so the "
            "result is not kept. Give the same command again once nothing writes to it."
        )
    total_s = round(time.perf_counter() - started_s, 3)
    return (
        known | _result(analysis, summary) | {"stage_seconds": analysis.clock.result() | {"total": total_s}}
    )


def identity(source: Source, job: Job) -> dict[str, Any]:
    """Return all that decides a result: the input and its content, the settings and the networks."""
    weights = Path(job.detector.source)
    return {
        "input": {
            "kind": source.kind,
            "name": source.label,
            "origin": source.origin,
            "fingerprint": source.fingerprint(),
        },
        "settings": job.settings.as_record(source.kind),
        "models": {
            "client": importlib.metadata.version("fer-triton"),
            "fer": job.contract.version,
            "network": job.contract.network,
            "crop_shape": list(job.contract.crop_shape),
            "labels": list(job.contract.labels),
            "answers": job.answers,
            "detector": job.detector.name,
            "detector_weights": fingerprint([weights]) if weights.is_file() else None,
        },
    }


def _result(analysis: Analysis, summary: Summary) -> dict[str, Any]:
    damage = analysis.video.damage if analysis.video else None
    return {
        "warnings": list(caveats(analysis.job.detector.name, damage, summary.times_backwards)),
        "server": analysis.job.server_version,
        "video": None if analysis.video is None else _video_record(analysis.video, summary),
        "unreadable": {path.name: str(error) for path, error in analysis.unreadable.items()},
        "frames_decoded": analysis.counter.decoded if analysis.video else summary.frames_analysed,
        "frames_detected": analysis.clock.count("detect"),
        **summary.result(),
    }


def _video_record(video: LimitedVideo, summary: Summary) -> dict[str, Any]:
    info = video.info
    return {
        "name": info.name,
        "codec": info.codec,
        "width": info.width,
        "height": info.height,
        "rotation_deg": info.rotation_deg,
        "start_s": info.start_s,
        "duration_s": info.duration_s,
        "is_live": info.is_live,
        "damage": video.damage,
        "times_backwards": summary.times_backwards,
    }

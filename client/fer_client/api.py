"""The client for Python programs: what the command writes as rows comes as typed records."""

from collections.abc import Callable, Generator, Iterable
from os import PathLike
from pathlib import Path
from typing import TypedDict, Unpack

from fer_client.analysis import Progress, open_analysis
from fer_client.detection import DetectorChoice, choose_detector
from fer_client.errors import UsageError
from fer_client.inputs import find_inputs
from fer_client.interruption import Interruption
from fer_client.job import open_job
from fer_client.records import FaceRecord
from fer_client.settings import Settings
from fer_client.sources import Source


class Options(TypedDict, total=False):
    """Settings that change the records; `fer_client.settings.Settings` says what each does."""

    fps: float | None
    detect_every: int
    smooth_s: float
    duration_s: float | None
    sequence_fps: float | None
    detection_side: int
    photo_side: int
    min_score: float
    min_face: int
    partial: bool
    batch_size: int
    in_flight: int
    timeout_s: float
    detection_workers: int


Input = str | PathLike[str]


def analyze(
    inputs: Input | Iterable[Input],
    *,
    url: str | None = None,
    detector: str = "auto",
    detector_model: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
    notify: Callable[[str], None] | None = None,
    **options: Unpack[Options],
) -> Generator[FaceRecord]:
    """Analyse videos, streams, folders and photographs and yield a record per face, as they are found.

    `inputs`, `url`, `detector` and `detector_model` are those of the command, `options` the fields of
    `Settings`. `progress` is called after every analysed frame; `notify` takes sentences for the user, such
    as that a server is started. Closing the generator, or leaving its loop, stops threads and server. Memory
    stays bounded whatever the video's length. Raises UsageError at once, and while it runs InputError at
    the first input that cannot be read, ServerError or ContractError.
    """
    words = [str(word) for word in ([inputs] if isinstance(inputs, str | PathLike) else inputs)]
    found = find_inputs(words, options.get("sequence_fps"))
    for error in found.failures.values():
        raise error
    try:
        settings = Settings(**options)
    except TypeError as error:
        raise UsageError(f"Expected options among {', '.join(Options.__annotations__)}: {error}.") from error
    choice = choose_detector(detector, detector_model, settings.min_score)
    return _records(found.sources, settings, choice, url, progress or _ignore, notify or _ignore)


def _records(
    sources: list[Source],
    settings: Settings,
    detector: DetectorChoice,
    url: str | None,
    progress: Callable[[Progress], None],
    notify: Callable[[str], None],
) -> Generator[FaceRecord]:
    # Signals stay the program's own: the interruption is not installed, so its flag is never set.
    with open_job(settings, detector, url, notify, Interruption()) as job:
        for source in sources:
            with open_analysis(source, job) as analysis:
                for item in analysis.frames:
                    progress(analysis.progress(item))
                    yield from analysis.records(item)
                for error in analysis.unreadable.values():
                    notify(str(error))


def _ignore(_told: object) -> None:
    pass

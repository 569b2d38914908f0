"""The client for Python programs: what the command writes as rows comes as typed records."""

from collections.abc import Callable, Generator, Iterable
from numbers import Integral, Real
from os import PathLike, fspath
from pathlib import Path
from types import NoneType
from typing import Any, TypedDict, Unpack, get_type_hints

from fer_client.analysis import Progress, open_analysis
from fer_client.detection import DetectorChoice, choose_detector
from fer_client.errors import UsageError, fails_alone
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


_KINDS: dict[Any, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "True or False"),
    int: ((Integral,), "a whole number"),
    float: ((Real,), "a number"),
    float | None: ((Real, NoneType), "a number or None"),
}
"""What a program may pass for an option of a type, NumPy's numbers included, and how it is named."""

Input = str | PathLike[str]


def analyze(
    inputs: Input | Iterable[Input],
    *,
    url: str | None = None,
    detector: str = "auto",
    detector_model: Input | None = None,
    progress: Callable[[Progress], None] | None = None,
    notify: Callable[[str], None] | None = None,
    **options: Unpack[Options],
) -> Generator[FaceRecord]:
    """Analyse videos, streams, folders and photographs and yield a record per face, as they are found.

    `inputs`, `url`, `detector` and `detector_model` are those of the command, `options` the fields of
    `Settings`. `progress` is called after every analysed frame; `notify` takes sentences for the user, such
    as that a server is started. Closing the generator, or leaving its loop, stops threads and server. Memory
    stays bounded whatever the video's length.

    Raises UsageError, and InputError where an input is not there or cannot be opened, at the call; while it
    runs InputError where an input turns out damaged, ServerError or ContractError.
    """
    settings = _settings(options)
    sources = _sources([inputs] if isinstance(inputs, str | PathLike) else inputs, settings)
    model = None if detector_model is None else Path(detector_model)
    choice = choose_detector(detector, model, settings.min_score)
    return _records(sources, settings, choice, url, progress or _ignore, notify or _ignore)


def _settings(options: Options) -> Settings:
    """Make settings; `Settings` checks the ranges, and takes for granted what a command line has parsed."""
    hints = get_type_hints(Options)
    for name, value in options.items():
        if name not in hints:
            raise UsageError(f"Expected options among {', '.join(hints)}, but one is {name}.")
        types, kind = _KINDS[hints[name]]
        if not isinstance(value, types):
            raise UsageError(f"{name} must be {kind}, but is {value!r}.")
    return Settings(**options)


def _sources(inputs: Iterable[Input], settings: Settings) -> list[Source]:
    """Find the inputs. Raises UsageError without any, InputError at the first that cannot be opened."""
    found = find_inputs([fspath(word) for word in inputs], settings.sequence_fps)
    for error in found.failures.values():
        raise error
    if not found.sources:
        raise UsageError("Expected at least one input to analyse, but there is none.")
    for source in found.sources:
        with fails_alone(source.shown):
            source.check()
    return found.sources


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

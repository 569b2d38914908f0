"""What a Python program passes, checked: inputs, settings, the detector and the functions to call."""

from collections.abc import Iterable
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from types import NoneType
from typing import Any, TypedDict, get_type_hints

import numpy as np

from fer_client.errors import UsageError, fails_alone
from fer_client.faces.detection import DetectorChoice, choose_detector
from fer_client.media.array_source import array_source
from fer_client.media.arrays import ArrayVideo
from fer_client.media.discovery import find_inputs
from fer_client.media.sources import Source
from fer_client.pipeline.sandbox.process import check_input
from fer_client.settings import Settings, setting_options

Named = str | PathLike[str]

Input = Named | ArrayVideo


class Options(TypedDict, total=False):
    """Every setting but those of result folders; `fer_client.settings.Settings` says what each does."""

    fps: float | None
    detect_every: int
    smooth_s: float
    duration_s: float | None
    sequence_fps: float | None
    detection_side: int
    photo_side: int
    min_score: float
    min_face: int
    min_confidence: float
    min_episode_s: float
    max_pixels: int
    reconnect_s: float
    partial: bool
    sandbox: bool
    low_latency: bool
    batch_size: int
    in_flight: int
    timeout_s: float
    detection_workers: int


_OTHERS = ("url", "detector", "detector_model", "progress", "notify")
"""What else `fer_client.Analyzer` takes by name."""

_KINDS: dict[Any, tuple[type, tuple[type, ...], str]] = {
    bool: (bool, (bool,), "True or False"),
    int: (int, (Integral,), "a whole number"),
    float: (float, (Real,), "a number"),
    float | None: (float, (Real, NoneType), "a number or None"),
}
"""Of each type of option: what the settings hold, what a program may pass (NumPy's numbers included), and how
that is named."""


def read_settings(options: Options) -> Settings:
    """Make settings; `Settings` checks the ranges, and takes for granted what a command line has parsed."""
    hints, ranges = get_type_hints(Options), setting_options()
    values: dict[str, Any] = {}
    for name, value in options.items():
        if name not in hints:
            raise UsageError(f"Expected options among {', '.join([*_OTHERS, *hints])}, but one is {name}.")
        held, types, kind = _KINDS[hints[name]]
        if not isinstance(value, types) or (isinstance(value, bool) and held is not bool):
            raise UsageError(f"{name} must be {kind}, but is {value!r}.")
        values[name] = None if value is None else held(value)
        ranges[name].check(values[name], name)
    return Settings(**values)


def read_detector(kind: str, model: Named | None, min_score: float) -> DetectorChoice:
    """Choose the face detector. Raises UsageError where there is none of that kind."""
    check_text("detector", kind)
    if model is not None and not isinstance(model, str | PathLike):
        raise UsageError(f"detector_model must be the path of a file, but is {model!r}.")
    return choose_detector(kind, None if model is None else Path(model), min_score)


def check_text(name: str, value: object) -> None:
    """Raise UsageError unless the value is a text."""
    if not isinstance(value, str):
        raise UsageError(f"{name} must be a text, but is {value!r}.")


def check_function(name: str, value: object) -> None:
    """Raise UsageError unless the value can be called."""
    if not callable(value):
        raise UsageError(f"{name} must be a function, but is {value!r}.")


def read_inputs(inputs: Input | Iterable[Input], settings: Settings) -> list[Source]:
    """Find the inputs. Raises UsageError without any, InputError at the first that cannot be opened."""
    sources = [source for given in _given(inputs) for source in _sources(given, settings)]
    if not sources:
        raise UsageError("Expected at least one input to analyse, but there is none.")
    for source in sources:
        with fails_alone(source.shown):
            check_input(source, settings)
    return sources


def read_one_input(one_input: Input, settings: Settings) -> Source:
    """Find the input of one result. Raises as `read_inputs` does, and UsageError where it holds several."""
    sources = read_inputs(one_input, settings)
    if len(sources) > 1:
        raise UsageError(
            f"Expected one input, but there are {len(sources)} of them, the first {sources[0].shown}. Give them "
            "one after the other."
        )
    return sources[0]


def _sources(given: str | ArrayVideo, settings: Settings) -> list[Source]:
    if isinstance(given, ArrayVideo):
        return [array_source(given)]
    found = find_inputs([given], settings.sequence_fps, most_pixels=settings.max_pixels)
    for error in found.failures.values():
        raise error
    return found.sources


def _given(inputs: object) -> list[str | ArrayVideo]:
    """Take one input or several: frames, and what a command line would hold."""
    if isinstance(inputs, str | PathLike | ArrayVideo):
        return [_one(inputs)]
    if isinstance(inputs, bytes | np.ndarray) or not isinstance(inputs, Iterable):
        raise _wrong_input(inputs)
    return [_one(value) for value in inputs]


def _one(value: object) -> str | ArrayVideo:
    if isinstance(value, ArrayVideo):
        return value
    word = value.__fspath__() if isinstance(value, PathLike) else value
    if not isinstance(word, str):
        raise _wrong_input(word)
    return word


def _wrong_input(value: object) -> UsageError:
    came = f"an object of type {type(value).__name__}"
    if isinstance(value, np.ndarray):
        came = f"a NumPy array of shape {value.shape}"
    return UsageError(
        "Expected a file, folder, address or pattern as str or os.PathLike, frames as an ArrayVideo, or a "
        f"list of these, but came {'None' if value is None else came}."
    )

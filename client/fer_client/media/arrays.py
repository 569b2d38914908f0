"""Frames that are in memory, or that a program makes one by one, as an input."""

import math
from collections.abc import Iterable, Sized
from dataclasses import dataclass
from numbers import Real
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from fer_client.errors import UsageError
from fer_client.media.frame import Image
from fer_client.media.pixels import fits_a_frame


@dataclass(frozen=True, eq=False)
class ArrayVideo:
    """Frames as NumPy arrays: an input like a file.

    `frames`: uint8 [N, H, W], luma in full range, or uint8 [N, H, W, 3], RGB; or an iterable of single frames
    [H, W] or [H, W, 3], all of one shape. These are taken one after the other and never held all at once; a
    generator gives its frames once. A frame may be written over when the next is asked for.

    Either `times_s`, the presentation time of each frame in seconds, or `fps`, how many follow each other in a
    second, the first at 0 s. `times_s` may be a generator, which reads a clock say: it is asked after each frame.
    `name` stands in the column `source`.

    Raises UsageError where one of these is of another kind. What shows only as frames are taken raises InputError
    then: their form, their times, and errors of what makes them.
    """

    frames: Iterable[Image]
    times_s: Iterable[float] | None = None
    fps: float | None = None
    name: str = "array"

    def __post_init__(self) -> None:
        """Check all that can be told without taking a frame."""
        if not isinstance(self.name, str) or not self.name:
            raise UsageError(f"The name of an ArrayVideo must be a text, but is {self.name!r}.")
        if isinstance(self.frames, np.ndarray):
            _check_frames(self.frames)
        elif isinstance(self.frames, str | bytes) or not isinstance(self.frames, Iterable):
            raise UsageError(
                f"Expected frames as a NumPy array or an iterable of them, but came {form(self.frames)}."
            )
        if (self.times_s is None) == (self.fps is None):
            raise UsageError(
                "Expected either times_s or fps with the frames of an ArrayVideo. Give one of them."
            )
        if self.times_s is not None:
            _check_times(self.times_s, self.frame_count)
        elif not is_finite(self.fps) or self.fps <= 0:
            raise UsageError(f"fps of an ArrayVideo must be a number above 0, but is {self.fps!r}.")

    @property
    def frame_count(self) -> int | None:
        """How many frames there are; None where only taking them tells."""
        return len(self.frames) if isinstance(self.frames, Sized) else None

    @property
    def duration_s(self) -> float | None:
        """How long the frames last, the last as long as the one before; None where that is not known."""
        if self.fps is not None:
            return None if self.frame_count is None else self.frame_count / float(self.fps)
        if not isinstance(self.times_s, Sized) or len(self.times_s) < 2:
            return None
        first, before, last = np.asarray(self.times_s, float)[[0, -2, -1]].tolist()
        return last - first + (last - before) if last > max(first, before) else None


def is_finite(number: object) -> TypeGuard[float]:
    """Whether it is a number, NumPy's included, that is neither infinite nor NaN."""
    return isinstance(number, Real) and math.isfinite(number)


def is_picture(picture: object) -> bool:
    """Whether it is uint8 [H, W] or [H, W, 3], of a size that FFmpeg takes."""
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8:
        return False
    is_of_rank = picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 3)
    return is_of_rank and picture.size > 0 and fits_a_frame(picture.shape[1], picture.shape[0])


def form(value: object) -> str:
    """Name what came: dtype and shape of an array, the type of anything else."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {list(value.shape)}"
    return "None" if value is None else f"an object of type {type(value).__name__}"


def _check_frames(frames: NDArray[Any]) -> None:
    if frames.ndim == 3 and frames.shape[2] == 3:
        raise UsageError(
            f"Expected frames [N, H, W] or [N, H, W, 3], but {form(frames)} is one picture. Pass [picture]."
        )
    if frames.ndim not in (3, 4) or not len(frames) or not is_picture(frames[0]):
        raise UsageError(
            f"Expected frames as uint8 [N, H, W] of luma or [N, H, W, 3] of RGB, each of 1 to about 268 million "
            f"pixels, but came {form(frames)}."
        )


def _check_times(times_s: object, frame_count: int | None) -> None:
    """Check those that are there already; those of a generator are checked as they come."""
    is_scalar = isinstance(times_s, np.ndarray) and not times_s.ndim
    if is_scalar or isinstance(times_s, str | bytes) or not isinstance(times_s, Iterable):
        raise UsageError(f"Expected times_s as an iterable of seconds, but came {form(times_s)}.")
    if not isinstance(times_s, Sized):
        return
    wrong = [(index, time_s) for index, time_s in enumerate(times_s) if not is_finite(time_s)]
    if wrong:
        index, time_s = wrong[0]
        raise UsageError(
            f"Expected a finite time in seconds for every frame, but times_s[{index}] is {time_s!r}."
        )
    if frame_count is not None and len(times_s) != frame_count:
        raise UsageError(
            f"Expected a time for each of {frame_count} frames, but there are {len(times_s)} times."
        )

"""An ArrayVideo among the inputs: its frames are taken one by one, and checked as they come."""

from collections.abc import Iterable, Iterator, Sized
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import PurePosixPath
from typing import Any

import av
import cv2
import numpy as np

from fer_client.errors import InputError
from fer_client.media.arrays import ArrayVideo, form, is_finite, is_picture
from fer_client.media.frame import Frame, Image, Orientation, Video, VideoInfo
from fer_client.media.images import picture_frame
from fer_client.media.luma import luma_of
from fer_client.media.sources import VideoSource

_BYTES_PER_PIXEL = {2: 1, 3: 4}
"""By the rank of a picture: luma alone; blue, green, red and luma."""

_END = object()


@dataclass(frozen=True)
class ArraySource(VideoSource):
    """An ArrayVideo among the inputs."""

    video: ArrayVideo

    kind = "array"

    @property
    def shown(self) -> str:
        """Return the name."""
        return self.video.name

    @property
    def label(self) -> str:
        """Return the name."""
        return self.video.name

    @property
    def origin(self) -> str | None:
        """Return None: it stands nowhere."""
        return None

    def fingerprint(self) -> str | None:
        """Return None: frames that come one by one are gone afterwards."""
        return None

    def check(self) -> None:
        """Do nothing: an ArrayVideo checks itself, and a generator's first frame would be lost."""

    def open(self) -> AbstractContextManager[Video]:
        """Take the first frame, which tells the size."""
        pictures = _timed_pictures(self.video)
        first = next(pictures, None)
        if first is None:
            raise InputError(
                f"{self.shown}: expected frames, but there is none. A generator gives its frames once: make another "
                "ArrayVideo for each analysis."
            )
        return nullcontext(_Reading(_info(self.video, *first), chain([first], pictures)))


def array_source(video: ArrayVideo) -> ArraySource:
    """Make an input of frames."""
    return ArraySource(PurePosixPath("."), (), video)


@dataclass
class _Reading:
    """One reading of an ArrayVideo; a `fer_client.media.frame.Video`."""

    info: VideoInfo
    _pictures: Iterator[tuple[float, Image]]
    corruption: str | None = field(default=None, init=False)

    def frames(self, allow_corruption: bool = False) -> Iterator[Frame]:  # noqa: ARG002 - a Video has it
        """Yield the frames; what is wrong with one raises InputError, allowed or not."""
        for index, (time_s, picture) in enumerate(self._pictures):
            yield (
                _luma_frame(index, time_s, picture)
                if picture.ndim == 2
                else _rgb_frame(index, time_s, picture)
            )


def _luma_frame(index: int, time_s: float, luma: Image) -> Frame:
    copy = av.VideoFrame.from_ndarray(np.ascontiguousarray(luma), format="gray")
    return Frame(index, time_s, *luma_of(copy), copy, Orientation())


def _rgb_frame(index: int, time_s: float, rgb: Image) -> Frame:
    return picture_frame(index, time_s, np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), np.uint8))


def _info(video: ArrayVideo, start_s: float, picture: Image) -> VideoInfo:
    height, width = picture.shape[:2]
    size = _BYTES_PER_PIXEL[picture.ndim]
    return VideoInfo(
        video.name,
        "rawvideo",
        width,
        height,
        0,
        start_s,
        video.duration_s,
        video.frame_count,
        bytes_per_pixel=size,
    )


def _timed_pictures(video: ArrayVideo) -> Iterator[tuple[float, Image]]:
    """Take every frame and then its time. Raises InputError where they are none, or not of the first one's shape."""
    pictures, times = _each(video.frames, video.name), _each(_times(video), video.name)
    shape: tuple[int, ...] | None = None
    taken = 0
    for picture in pictures:
        if not is_picture(picture):
            raise InputError(
                f"{video.name}: expected frames as uint8 [H, W] of luma or [H, W, 3] of RGB, each of 1 to about 268 "
                f"million pixels, but frame {taken} is {form(picture)}."
            )
        shape = shape or picture.shape
        if picture.shape != shape:
            raise InputError(
                f"{video.name}: expected all frames to be {list(shape)}, as the first is, but frame {taken} is "
                f"{list(picture.shape)}."
            )
        yield _time(video.name, taken, next(times, None)), picture
        taken += 1
    if isinstance(video.times_s, Sized) and taken != len(video.times_s):
        raise InputError(
            f"{video.name}: expected a frame for each of {len(video.times_s)} times, but {taken} came."
        )


def _times(video: ArrayVideo) -> Iterable[Any]:
    if video.times_s is not None:
        return video.times_s
    fps: Any = video.fps
    return (index / float(fps) for index in count())


def _each(items: Iterable[Any], name: str) -> Iterator[Any]:
    """Pass on what a program makes; an error of its own becomes an InputError."""
    iterator = iter(items)
    while True:
        try:
            item = next(iterator, _END)
        except Exception as error:
            raise InputError(
                f"{name}: expected frames and their times, but what makes them raised {type(error).__name__}: {error}."
            ) from error
        if item is _END:
            return
        yield item


def _time(name: str, index: int, time_s: object) -> float:
    if not is_finite(time_s):
        came = "there is none" if time_s is None else f"that of frame {index} is {time_s!r}"
        raise InputError(f"{name}: expected a finite time in seconds for every frame, but {came}.")
    return float(time_s)

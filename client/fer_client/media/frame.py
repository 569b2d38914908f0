"""A decoded frame, upright and with its time, and the interface of whatever yields frames.

The luma plane of a decoded frame is the grayscale image that the network reads, so a frame is never converted as a
whole where that reads luma: the detector gets a small copy, and crops are cut from the plane itself.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class VideoInfo:
    """What is known of a video: what the file declares, and, once a frame was decoded, that frame's upright size.

    `width` and `height` are in square pixels; `rotation_deg` is the turn to upright, counter-clockwise. `start_s` is
    the presentation time at which it starts. `duration_s` and `frame_count` are None where they are not declared.
    `is_live`: it comes from an address and has no end that is known. `bytes_per_pixel`: what a decoded frame takes in
    memory per such pixel, its luma included where that is no part of the frame. `shown_until_s`: the presentation time
    at which the last video packet ends, and after corruption the last frame that was read, known once all were.
    """

    name: str
    codec: str
    width: int
    height: int
    rotation_deg: int
    start_s: float
    duration_s: float | None
    frame_count: int | None
    is_live: bool = False
    bytes_per_pixel: float = 1.5
    shown_until_s: float | None = None

    @property
    def frame_bytes(self) -> int:
        """Return what a decoded frame takes in memory; 0 where no size is declared."""
        return math.ceil(self.width * self.height * self.bytes_per_pixel)


def shown_length(pixels: int, aspect: float) -> int:
    """Return the length in square pixels of a stored row of this many, each `aspect` times as wide as high."""
    return max(1, round(pixels * aspect)) if pixels else 0


@dataclass(frozen=True)
class Orientation:
    """How a stored frame becomes upright: mirrored left to right first, then turned counter-clockwise."""

    is_mirrored: bool = False
    quarter_turns: int = 0

    def upright(self, stored: Any) -> Any:
        """Return a view of a stored image, [rows, columns, ...], as a player shows it."""
        return np.rot90(np.fliplr(stored) if self.is_mirrored else stored, self.quarter_turns)

    def stored(self, upright: Any) -> Any:
        """Return a view of an upright image as it is stored: what `upright` takes."""
        turned = np.rot90(upright, -self.quarter_turns)
        return np.fliplr(turned) if self.is_mirrored else turned


@dataclass(frozen=True)
class Frame:
    """One decoded frame.

    `index` counts all decoded frames from 0. `time_s` is the presentation time in seconds as the stream
    states it. `luma` is the upright Y plane, uint8 [rows, columns], a view into the decoder's memory;
    `is_full_range` tells whether black is 0 and white 255 in it, or 16 and 235. `pixel_aspect` is the width
    of a pixel as it is stored, before the frame is turned, ÷ its height; `decoded` is the frame as it is stored, and
    `orientation` what makes it upright. All else is in square pixels.
    """

    index: int
    time_s: float
    luma: Image
    is_full_range: bool
    decoded: av.VideoFrame
    orientation: Orientation
    pixel_aspect: float = 1.0

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the upright frame in square pixels; stored rows keep their height, as in MP4."""
        height, width = self.luma.shape
        if self.orientation.quarter_turns % 2:
            return width, shown_length(height, self.pixel_aspect)
        return shown_length(width, self.pixel_aspect), height

    def small_luma(self, size_wh: tuple[int, int]) -> Image:
        """Return an upright copy of the luma plane, uint8 [height, width], by area averages where it shrinks.

        Of the decoder's own plane, since OpenCV would copy a turned one whole: a tenth of the time of a small BGR copy.
        """
        stored = self.orientation.stored(self.luma)
        turned = size_wh[::-1] if self.orientation.quarter_turns % 2 else size_wh
        is_smaller = turned[0] * turned[1] < stored.size
        small = cv2.resize(stored, turned, interpolation=cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR)
        return np.ascontiguousarray(self.orientation.upright(small))

    def bgr(self, size_wh: tuple[int, int], reformatter: VideoReformatter) -> Image:
        """Return an upright BGR copy, uint8 [height, width, 3]. A reformatter keeps its tables; use one per thread."""
        return self._converted("bgr24", size_wh, reformatter)

    def rgb(self) -> Image:
        """Return an upright RGB copy at full size, uint8 [height, width, 3]."""
        return self._converted("rgb24", self.size_wh, VideoReformatter())

    def _converted(self, form: str, size_wh: tuple[int, int], reformatter: VideoReformatter) -> Image:
        width, height = size_wh[::-1] if self.orientation.quarter_turns % 2 else size_wh
        scaled = reformatter.reformat(self.decoded, width, height, form, interpolation="AREA")
        return np.ascontiguousarray(self.orientation.upright(scaled.to_ndarray()))


class Video(Protocol):
    """Whatever yields frames in order: a file, a stream, or a sequence of images."""

    @property
    def info(self) -> VideoInfo:
        """What is known of it so far."""
        ...

    @property
    def corruption(self) -> str | None:
        """What is damaged or missing, in words, once `frames` has met it."""
        ...

    def frames(self, allow_corruption: bool = False) -> Iterator[Frame]:
        """Yield the frames; raise InputError at the first corruption, or go on where it is allowed."""
        ...

"""Images as frames: single ones, and sequences, which are read like a video."""

import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import av
import cv2
import numpy as np

from fer_client.errors import InputError
from fer_client.media.frame import Frame, Image, Orientation, VideoInfo
from fer_client.media.heif import read_heif

_BYTES_PER_PIXEL = 4
"""Of an image's frame: blue, green, red and luma."""

_PNG = b"\x89PNG\r\n\x1a\n"

_FFMPEG_MOST = 2**31
"""FFmpeg takes frames up to (8 width + 1024) (height + 128) below this (libavutil/imgutils.c)."""


def read_picture(path: Path) -> Image:
    """Read an image upright, as its EXIF orientation says: BGR, uint8 [height, width, 3].

    Raises InputError where it cannot be read, or is too large to be a frame. Transparent parts keep the colour
    that the file gives them.
    """
    image = _decoded(path)
    if image is None:
        raise InputError(
            f"{path}: expected a picture, but it is damaged, cut off, or in a form that cannot be read. "
            "Copy it again, or save it as JPEG or PNG."
        )
    height, width = image.shape[:2]
    if not fits_a_frame(width, height):
        raise InputError(
            f"{path}: expected a picture of at most about 268 million pixels, but it has {width}×{height}. "
            "Save it smaller."
        )
    return image


def fits_a_frame(width: int, height: int) -> bool:
    """Whether FFmpeg takes a frame of this size, in pixels."""
    return (8 * width + 1024) * (height + 128) < _FFMPEG_MOST


def _decoded(path: Path) -> Image | None:
    """Read with OpenCV, or with FFmpeg what OpenCV does not know; None where neither can."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # it would print beside our sentence
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}). Check the path and its permissions."
        ) from error
    if not data or _is_cut_off_png(data):
        return None
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:  # an image of more than 2^30 pixels, say
        return None
    if image is None:
        return read_heif(path) if data[4:8] == b"ftyp" else None
    return np.asarray(image, np.uint8)


def _is_cut_off_png(data: bytes) -> bool:
    """Whether a chunk reaches beyond the end; OpenCV would first take memory of the chunk's length, up to 4 GB."""
    if not data.startswith(_PNG):
        return False
    place, kind = len(_PNG), b""
    while kind != b"IEND" and place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        place += 12 + length
    return place > len(data)


def first_picture(paths: Sequence[Path]) -> Image:
    """Read the first image that can be read, as `read_picture` does. Raises the error of the first where none can."""
    for path in paths:
        with suppress(InputError):
            return read_picture(path)
    return read_picture(paths[0])


def picture_frame(index: int, time_s: float, bgr: Image) -> Frame:
    """Make a frame of a BGR image, uint8 [height, width, 3], with full-range luma."""
    luma = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), np.uint8)
    return Frame(index, time_s, luma, True, av.VideoFrame.from_ndarray(bgr, format="bgr24"), Orientation())


@dataclass
class SequenceReader:
    """A sequence of images, one at each of `times_s`, in seconds; a `fer_client.media.frame.Video`."""

    name: str
    paths: Sequence[Path]
    times_s: Sequence[float]
    duration_s: float
    corruption: str | None = field(default=None, init=False)

    @cached_property
    def info(self) -> VideoInfo:
        """What is known of the sequence; its size is that of the first image that can be read."""
        height, width = first_picture(self.paths).shape[:2]
        codec = self.paths[0].suffix.lstrip(".").lower()
        count = len(self.paths)
        return VideoInfo(
            self.name, codec, width, height, 0, 0.0, self.duration_s, count, bytes_per_pixel=_BYTES_PER_PIXEL
        )

    def frames(self, allow_corruption: bool = False) -> Iterator[Frame]:
        """Yield a frame per image. One that cannot be read raises InputError, or is left out if allowed."""
        for index, (path, time_s) in enumerate(zip(self.paths, self.times_s, strict=True)):
            try:
                yield picture_frame(index, time_s, read_picture(path))
            except InputError:
                self.corruption = self.corruption or f"{path.name} cannot be read"
                if not allow_corruption:
                    raise

"""Images as frames: single ones, and sequences, which are read like a video."""

import io
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import av
import cv2
import numpy as np

from fer_client.errors import InputError, check_memory_left
from fer_client.media.animations import count_pictures
from fer_client.media.frame import Frame, Image, Orientation, VideoInfo
from fer_client.media.heif import read_heif
from fer_client.media.jpeg import has_hole
from fer_client.media.pixels import MOST_PIXELS, check_pixels, fits_a_frame
from fer_client.media.wholeness import missing_from

BYTES_PER_PIXEL = 4
"""Of an image's frame: blue, green, red and luma."""


def read_picture(path: Path, most_pixels: int = MOST_PIXELS) -> Image:
    """Read an image upright, as its EXIF orientation says: BGR, uint8 [height, width, 3].

    Raises InputError where it cannot be read, has more than `most_pixels`, which its header tells before anything is
    decoded, or is too large to be a frame. Transparent parts keep the colour that the file gives them.
    """
    data = _content(path)
    stated = _stated_size(data)
    check_pixels(str(path), *stated, most_pixels)
    if (count := count_pictures(data)) > 1:
        raise InputError(
            f"{path}: expected a photograph, but it is an animation of {count} pictures, of which one alone would be "
            "read. Convert it to a video, to MP4 for instance."
        )
    # Of a form whose size nobody has read, it is not known how much memory decoding would take.
    image = _decoded(path, data, most_pixels) if all(stated) or _is_heif(data) else None
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


def picture_pixels(path: Path) -> int:
    """Count the pixels that the header of an image states; 0 where it cannot be read."""
    try:
        width, height = _image_size(path) if path.is_file() else (0, 0)
    except Exception:  # of many kinds for a damaged file, which is told once it is decoded
        return 0
    return max(0, width) * max(0, height)


def _stated_size(data: bytes) -> tuple[int, int]:
    try:
        width, height = _image_size(io.BytesIO(data))
    except Exception:  # as above
        return 0, 0
    return max(0, width), max(0, height)


def _image_size(file: Path | io.BytesIO) -> tuple[int, int]:
    import imagesize  # with it come urllib and http, which a video does not need

    width, height = imagesize.get(file)
    return int(width), int(height)


def _content(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError(
                f"{path}: expected a picture, but it is no regular file. Save the picture as a file first."
            )
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}). Check the path and its permissions."
        ) from error


def _is_heif(data: bytes) -> bool:
    return data[4:8] == b"ftyp"


def _decoded(path: Path, data: bytes, most_pixels: int) -> Image | None:
    """Read with OpenCV, HEIC and AVIF with FFmpeg; None where that cannot be done."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # it would print beside our sentence
    # Of a PNG's chunk that reaches beyond the end, OpenCV would first take the memory, up to 4 GB.
    if not data or missing_from(io.BytesIO(data)) or has_hole(data):
        return None
    if _is_heif(data):  # of AVIF, OpenCV would read the picture alone, and not how it is turned
        return read_heif(path, most_pixels)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:  # an image of more than 2^30 pixels, say
        return None
    return None if image is None else np.asarray(image, np.uint8)


def first_picture(paths: Sequence[Path], most_pixels: int = MOST_PIXELS) -> Image:
    """Read the first image that can be read, as `read_picture` does. Raises the error of the first where none can."""
    for path in paths:
        with suppress(InputError):
            return read_picture(path, most_pixels)
    return read_picture(paths[0], most_pixels)


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
    most_pixels: int = MOST_PIXELS
    corruption: str | None = field(default=None, init=False)

    @cached_property
    def info(self) -> VideoInfo:
        """What is known of the sequence; its size is that of the first image that can be read."""
        height, width = first_picture(self.paths, self.most_pixels).shape[:2]
        codec = self.paths[0].suffix.lstrip(".").lower()
        count = len(self.paths)
        return VideoInfo(
            self.name, codec, width, height, 0, 0.0, self.duration_s, count, bytes_per_pixel=BYTES_PER_PIXEL
        )

    def frames(self, allow_corruption: bool = False) -> Iterator[Frame]:
        """Yield a frame per image. One that cannot be read raises InputError, or is left out if allowed."""
        ends_s = [*self.times_s[1:], self.duration_s]
        read_until_s = 0.0
        for index, (path, time_s) in enumerate(zip(self.paths, self.times_s, strict=True)):
            try:
                yield picture_frame(index, time_s, read_picture(path, self.most_pixels))
                read_until_s = ends_s[index]
            except InputError:
                check_memory_left(str(path))
                self.corruption = self.corruption or f"{path.name} cannot be read"
                if not allow_corruption:
                    raise
        if self.corruption:
            self.info = replace(self.info, shown_until_s=read_until_s)

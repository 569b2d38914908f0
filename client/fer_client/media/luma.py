"""The luma of a decoded frame, in 8 bits, and where black and white lie in it."""

from typing import Any

import av
import numpy as np

from fer_client.media.frame import Image

_LUMA_FIRST = ("yuv4", "yuvj4", "yuva4", "nv12", "nv16", "nv21", "nv24", "gray")
_MONOCHROME = ("gray", "ya")
_LIMITED, _FULL = 1, 2
"""FFmpeg's AVCOL_RANGE_MPEG, black 16 and white 235, and AVCOL_RANGE_JPEG, 0 and 255."""

_YUV420P_BYTES = 1.5
"""Per pixel."""

LIMITED_TO_FULL = np.clip(np.rint((np.arange(256) - 16) * 255 / 219), 0, 255).astype(np.uint8)
"""ITU-R BT.601 and BT.709 limited range, black 16 and white 235, to the 0 to 255 that photographs have."""


def in_stated_range(frame: av.VideoFrame) -> av.VideoFrame:
    """Return a frame from which FFmpeg's scaler makes full range.

    It takes every monochrome one for full-range. One that states limited range, as HEVC and AV1 do, gets
    colour planes without colour, with which the scaler follows what is stated.
    """
    if not _is_limited_monochrome(frame.format, frame.color_range):
        return frame
    coloured = frame.reformat(format="yuv420p", dst_color_range=_FULL)  # which keeps the values
    coloured.color_range = _LIMITED
    return coloured


def luma_of(frame: av.VideoFrame) -> tuple[Image, bool]:
    """Return the luma, uint8 [height, width], and whether it is full-range.

    It is the Y plane itself, without a copy, where the pixel format starts with an 8-bit one, else a converted copy.
    """
    if not _has_luma_plane(frame.format):
        return np.asarray(frame.reformat(format="gray").to_ndarray(), np.uint8), True
    plane = frame.planes[0]
    luma = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[
        : frame.height, : frame.width
    ]
    return luma, is_full_range(frame)


def is_full_range(frame: av.VideoFrame) -> bool:
    """Whether black is 0 and white 255 in the planes of a frame, by its format and what it states."""
    return frame.format.name.startswith(("yuvj", *_MONOCHROME)) or frame.color_range == _FULL


def bytes_per_pixel(form: Any, color_range: int) -> float:
    """Return the bytes per pixel of a frame and its luma, where that is no plane of the frame.

    `form` is PyAV's pixel format, None where none is known yet; `color_range` is FFmpeg's.
    """
    if form is None or _is_limited_monochrome(form, color_range):
        return _YUV420P_BYTES
    return float(form.padded_bits_per_pixel / 8 + (0 if _has_luma_plane(form) else 1))


def _has_luma_plane(form: Any) -> bool:
    return bool(form.name.startswith(_LUMA_FIRST) and form.components[0].bits == 8)


def _is_limited_monochrome(form: Any, color_range: int) -> bool:
    return bool(form.name.startswith(_MONOCHROME) and color_range == _LIMITED)

"""A copy of a frame for an encoder: upright, in square pixels, its luma and chroma as they are in the source."""

from typing import Any, NamedTuple

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from fer_client.media.frame import Frame, Image
from fer_client.media.luma import is_full_range

_PLAIN = {"yuv420p": "yuv420p", "yuvj420p": "yuv420p", "yuv444p": "yuv444p", "yuvj444p": "yuv444p"}


class Colours(NamedTuple):
    """What the numbers of a picture mean: FFmpeg's range, and the matrix, primaries and transfer of ITU-T H.273."""

    range: int
    matrix: int
    primaries: int
    transfer: int


def pixel_format(size_wh: tuple[int, int]) -> str:
    """Return the format of a size: 4:2:0, which every player knows, has even sides; odd ones take 4:4:4."""
    return "yuv444p" if size_wh[0] % 2 or size_wh[1] % 2 else "yuv420p"


def planes_of(picture: av.VideoFrame) -> tuple[Image, ...]:
    """Return the Y, Cb and Cr planes, uint8 [rows, columns], as views that can be written to."""
    return tuple(
        np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
        for plane in picture.planes
    )


def colours_of(frame: Frame) -> Colours:
    """Return what the copy's numbers mean: RGB becomes BT.709 in limited range, all else stays what it is."""
    decoded = frame.decoded
    if decoded.format.is_rgb:
        return Colours(ColorRange.MPEG, Colorspace.ITU709, Colorspace.ITU709, Colorspace.ITU709)
    stated = ColorRange.JPEG if is_full_range(decoded) else ColorRange.MPEG
    return Colours(stated, decoded.colorspace, decoded.color_primaries, decoded.color_trc)


def upright_yuv(frame: Frame, size_wh: tuple[int, int], reformatter: VideoReformatter) -> av.VideoFrame:
    """Copy a frame, upright and scaled to `size_wh` square pixels, in the format of that size.

    Where the source has that format and size already, every number of its planes is kept.
    """
    form, turns = pixel_format(size_wh), frame.orientation.quarter_turns
    width, height = size_wh[::-1] if turns % 2 else size_wh
    stored = frame.decoded
    if (_PLAIN.get(stored.format.name), stored.width, stored.height) != (form, width, height):
        stored = _converted(frame, (width, height), form, reformatter)
    picture = av.VideoFrame(*size_wh, form)
    for target, plane in zip(planes_of(picture), planes_of(stored), strict=True):
        target[...] = frame.orientation.upright(plane)
    colours = colours_of(frame)
    picture.color_range, picture.colorspace = colours.range, colours.matrix
    return picture


def _converted(frame: Frame, size_wh: tuple[int, int], form: str, reformatter: VideoReformatter) -> Any:
    """Convert with FFmpeg's scaler, which keeps the numbers where it is told the same range on both sides."""
    colours = colours_of(frame)
    if frame.decoded.format.is_rgb:
        return reformatter.reformat(
            frame.decoded,
            *size_wh,
            form,
            dst_colorspace=colours.matrix,
            dst_color_range=colours.range,
            interpolation="AREA",
        )
    return reformatter.reformat(
        frame.decoded,
        *size_wh,
        form,
        src_color_range=colours.range,
        dst_color_range=colours.range,
        interpolation="AREA",
    )

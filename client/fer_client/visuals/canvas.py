"""A picture to draw on: the planes of a video frame as they are encoded, or a photograph.

Only the pixels that are drawn on change. A whole frame is never converted, so the rest keeps the source's numbers.
"""

from collections.abc import Iterator
from typing import NamedTuple

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from fer_client.media.frame import Image
from fer_client.media.yuv import Colours, planes_of

_LUMA_WEIGHTS = {1: (0.2126, 0.0722), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
"""Of red and blue, by the matrix in ITU-T H.273: BT.709 and BT.2020."""

_BT601 = (0.299, 0.114)
_FULL_RANGE = 2


class Sprite(NamedTuple):
    """What is put on a picture: RGB, float32 [height, width, 3] in [0, 255], and opacity, [height, width] in [0, 1]."""

    rgb: NDArray[np.float32]
    opacity: NDArray[np.float32]


class Area(NamedTuple):
    """Whole pixels from `left` and `top` to before `right` and `bottom`."""

    left: int
    top: int
    right: int
    bottom: int


class _Plane(NamedTuple):
    """A plane, uint8 [rows, columns], one number for `step_xy` pixels: RGB times `weights` [3], plus `offset`."""

    pixels: Image
    step_xy: tuple[int, int]
    weights: NDArray[np.float32]
    offset: float


class Canvas:
    """A picture of `size_wh` pixels that sprites and colours can be put on; what lies outside of it is cut off."""

    def __init__(self, size_wh: tuple[int, int], planes: tuple[_Plane, ...]) -> None:
        self.size_wh = size_wh
        self._planes = planes

    @classmethod
    def of_bgr(cls, picture: Image) -> "Canvas":
        """Draw on a photograph, uint8 [height, width, 3] BGR."""
        rows = np.eye(3, dtype=np.float32)[::-1]
        height, width = picture.shape[:2]
        planes = tuple(_Plane(picture[..., place], (1, 1), rows[place], 0.0) for place in range(3))
        return cls((width, height), planes)

    @classmethod
    def of_yuv(cls, picture: av.VideoFrame, colours: Colours) -> "Canvas":
        """Draw on a frame of `fer_client.media.yuv.upright_yuv`."""
        weights, offsets = _rgb_to_yuv(colours)
        step = 1 if picture.format.name == "yuv444p" else 2
        steps = ((1, 1), (step, step), (step, step))
        parts = zip(planes_of(picture), steps, weights, offsets, strict=True)
        return cls((picture.width, picture.height), tuple(_Plane(*part) for part in parts))

    def put(self, sprite: Sprite, left: int, top: int) -> None:
        """Lay a sprite over the picture, its upper left corner at a pixel, which may lie outside."""
        for plane in self._planes:
            opacity, values = _on_grid(sprite, plane, left, top)
            x, y = left // plane.step_xy[0], top // plane.step_xy[1]
            _blend(plane.pixels, opacity, values, x, y)

    def fill(self, area: Area, rgb: tuple[int, int, int], opacity: float = 1.0) -> None:
        """Lay a colour over an area; a chroma sample takes it in the share of its pixels that lie in the area."""
        width, height = area.right - area.left, area.bottom - area.top
        if width <= 0 or height <= 0:
            return
        colour = np.array(rgb, np.float32)
        for plane in self._planes:
            (x, columns), (y, rows) = (
                _coverage(low, length, step)
                for low, length, step in zip(area[:2], (width, height), plane.step_xy, strict=True)
            )
            value = float(plane.weights @ colour) + plane.offset
            _blend(plane.pixels, opacity * rows[:, None] * columns[None], np.float32(value), x, y)

    def cover(self, area: Area, opacity: NDArray[np.float32]) -> None:
        """Replace an area by its own mean colour, where `opacity`, [height, width] of the area, is 1."""
        for plane in self._planes:
            inside = plane.pixels[_rows_and_columns(area, plane)]
            if not inside.size:
                continue
            flat = Sprite(np.zeros((*opacity.shape, 3), np.float32), opacity)
            shares, _ = _on_grid(flat, plane, area.left, area.top)
            x, y = area.left // plane.step_xy[0], area.top // plane.step_xy[1]
            _blend(plane.pixels, np.ceil(shares - 1e-6), np.float32(np.rint(inside.mean())), x, y)


def _rgb_to_yuv(colours: Colours) -> tuple[NDArray[np.float32], tuple[float, float, float]]:
    """Rows of the matrix from RGB in [0, 255] to Y, Cb and Cr, and what is added (ITU-T H.273, 8.3)."""
    red, blue = _LUMA_WEIGHTS.get(colours.matrix, _BT601)
    luma = np.array([red, 1 - red - blue, blue])
    rows = np.array(
        [luma, ([0, 0, 1] - luma) / (2 * (1 - blue)), ([1, 0, 0] - luma) / (2 * (1 - red))], np.float32
    )
    if colours.range == _FULL_RANGE:
        return rows, (0.0, 128.0, 128.0)
    return np.asarray(rows * [[219 / 255], [224 / 255], [224 / 255]], np.float32), (16.0, 128.0, 128.0)


def _on_grid(
    sprite: Sprite, plane: _Plane, left: int, top: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return opacity and values on a plane's grid: means over the pixels that a sample stands for."""
    step_x, step_y = plane.step_xy
    values = sprite.rgb @ plane.weights + np.float32(plane.offset)
    if step_x == step_y == 1:
        return sprite.opacity, values
    height, width = sprite.opacity.shape
    before, beyond = (top % step_y, left % step_x), (-(top + height) % step_y, -(left + width) % step_x)
    pads = tuple(zip(before, beyond, strict=True))
    opacity, weighted = (
        _block_means(np.pad(part, pads), step_y, step_x) for part in (sprite.opacity, sprite.opacity * values)
    )
    return opacity, np.asarray(weighted / np.maximum(opacity, 1e-6), np.float32)


def _block_means(values: NDArray[np.float32], step_y: int, step_x: int) -> NDArray[np.float32]:
    rows, columns = values.shape
    size = columns // step_x, rows // step_y
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32).reshape(size[::-1])


def _coverage(low: int, length: int, step: int) -> tuple[int, NDArray[np.float32]]:
    """Return the first sample of a span of pixels, and the share of each sample's pixels in it."""
    starts = np.arange(low // step, (low + length - 1) // step + 1)
    covered = np.minimum(low + length, (starts + 1) * step) - np.maximum(low, starts * step)
    return int(starts[0]), np.asarray(covered / step, np.float32)


def _rows_and_columns(area: Area, plane: _Plane) -> tuple[slice, slice]:
    step_x, step_y = plane.step_xy
    rows = slice(max(0, area.top) // step_y, max(0, -(-area.bottom // step_y)))
    return rows, slice(max(0, area.left) // step_x, max(0, -(-area.right // step_x)))


def _blend(
    pixels: Image, opacity: NDArray[np.float32], values: NDArray[np.float32] | np.float32, x: int, y: int
) -> None:
    """Move the pixels towards the values by the opacity, [rows, columns], whose corner lies at (x, y)."""
    rows, columns = opacity.shape
    inner = tuple(_clipped((y, x), (rows, columns), pixels.shape))
    target = pixels[inner[0][0], inner[1][0]]
    if not target.size:
        return
    part = inner[0][1], inner[1][1]
    goal = values if np.ndim(values) == 0 else np.asarray(values)[part]
    target[...] = np.clip(np.rint(target + opacity[part] * (goal - target)), 0, 255).astype(np.uint8)


def _clipped(
    corner: tuple[int, int], lengths: tuple[int, int], limits: tuple[int, ...]
) -> Iterator[tuple[slice, slice]]:
    """For each axis the part of the picture that is met, and the part of the sprite that meets it."""
    for low, length, limit in zip(corner, lengths, limits, strict=True):
        first, end = max(0, low), max(0, min(limit, low + length))
        end = max(first, end)
        yield slice(first, end), slice(first - low, end - low)

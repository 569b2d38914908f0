"""A picture to draw on: the planes of a video frame as they are encoded, or a photograph.

Only the pixels that are drawn on change. A whole frame is never converted, so the rest keeps the source's numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
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


@dataclass(frozen=True, eq=False)
class Sprite:
    """What is put on a picture: RGB, float32 [height, width, 3] in [0, 255], and opacity, [height, width] in [0, 1]."""

    rgb: NDArray[np.float32]
    opacity: NDArray[np.float32]


class Area(NamedTuple):
    """Whole pixels from `left` and `top` to before `right` and `bottom`."""

    left: int
    top: int
    right: int
    bottom: int


class _Kind(NamedTuple):
    """What a plane's numbers are: one for `step_xy` pixels, RGB times `weights`, plus `offset`."""

    step_xy: tuple[int, int]
    weights: tuple[float, ...]
    offset: float

    def value(self, rgb: tuple[int, int, int]) -> float:
        return sum(weight * part for weight, part in zip(self.weights, rgb, strict=True)) + self.offset


class _Plane(NamedTuple):
    """A plane, uint8 [rows, columns]."""

    pixels: Image
    kind: _Kind


class Canvas:
    """A picture of `size_wh` pixels that sprites and colours can be put on; what lies outside of it is cut off."""

    def __init__(self, size_wh: tuple[int, int], planes: tuple[_Plane, ...]) -> None:
        self.size_wh = size_wh
        self._planes = planes

    @classmethod
    def of_bgr(cls, picture: Image) -> "Canvas":
        """Draw on a photograph, uint8 [height, width, 3] BGR."""
        rows = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
        height, width = picture.shape[:2]
        planes = tuple(_Plane(picture[..., place], _Kind((1, 1), row, 0.0)) for place, row in enumerate(rows))
        return cls((width, height), planes)

    @classmethod
    def of_yuv(cls, picture: av.VideoFrame, colours: Colours) -> "Canvas":
        """Draw on a frame of `fer_client.media.yuv.upright_yuv`."""
        step = 1 if picture.format.name == "yuv444p" else 2
        planes = zip(planes_of(picture), _yuv_kinds(colours, step), strict=True)
        return cls((picture.width, picture.height), tuple(_Plane(*plane) for plane in planes))

    def put(self, sprite: Sprite, left: int, top: int) -> None:
        """Lay a sprite over the picture, its upper left corner at a pixel, which may lie outside."""
        for pixels, kind in self._planes:
            step_x, step_y = kind.step_xy
            opacity, values = _grid_of(sprite, kind, left % step_x, top % step_y)
            _blend(pixels, opacity, values, left // step_x, top // step_y)

    def fill(self, area: Area, rgb: tuple[int, int, int], opacity: float = 1.0) -> None:
        """Lay a colour over an area.

        A chroma sample belongs to it with its first pixel, so that thin lines keep their full colour.
        """
        for pixels, kind in self._planes:
            rows = _samples(area.top, area.bottom, kind.step_xy[1])
            target = pixels[rows, _samples(area.left, area.right, kind.step_xy[0])]
            target[...] = _mixed(kind.value(rgb), opacity)[target]

    def cover(self, area: Area, opacity: NDArray[np.float32]) -> None:
        """Replace an area by its own mean colour, where `opacity`, [height, width] of the area, is 1."""
        shape = Sprite(np.zeros((*opacity.shape, 3), np.float32), opacity)
        for pixels, kind in self._planes:
            step_x, step_y = kind.step_xy
            inside = pixels[_touched(area.top, area.bottom, step_y), _touched(area.left, area.right, step_x)]
            if inside.size:
                shares, _ = _on_grid(shape, kind, area.left % step_x, area.top % step_y)
                value = np.float32(np.rint(inside.mean()))
                _blend(pixels, np.ceil(shares - 1e-6), value, area.left // step_x, area.top // step_y)


@lru_cache
def _yuv_kinds(colours: Colours, step: int) -> tuple[_Kind, ...]:
    """Y, Cb and Cr of RGB in [0, 255] (ITU-T H.273, 8.3), one of the last two for `step` × `step` pixels."""
    red, blue = _LUMA_WEIGHTS.get(colours.matrix, _BT601)
    luma = np.array([red, 1 - red - blue, blue])
    rows = [luma, ([0, 0, 1] - luma) / (2 * (1 - blue)), ([1, 0, 0] - luma) / (2 * (1 - red))]
    is_full = colours.range == _FULL_RANGE
    scales, black = ((1.0, 1.0, 1.0), 0.0) if is_full else ((219 / 255, 224 / 255, 224 / 255), 16.0)
    return tuple(
        _Kind((size, size), tuple((scale * row).tolist()), offset)
        for row, scale, size, offset in zip(rows, scales, (1, step, step), (black, 128.0, 128.0), strict=True)
    )


@lru_cache(maxsize=256)
def _mixed(value: float, opacity: float) -> Image:
    """Return what each number from 0 to 255 becomes under a value of this opacity."""
    numbers = np.arange(256)
    return np.clip(np.rint(numbers + opacity * (value - numbers)), 0, 255).astype(np.uint8)


def _on_grid(
    sprite: Sprite, kind: _Kind, before_x: int, before_y: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return opacity and values on a plane's grid: means over the pixels that a sample stands for.

    `before_x` and `before_y`: pixels of the first sample to the left of the sprite and above it.
    """
    step_x, step_y = kind.step_xy
    values = sprite.rgb @ np.array(kind.weights, np.float32) + np.float32(kind.offset)
    if step_x == step_y == 1:
        return sprite.opacity, values
    height, width = sprite.opacity.shape
    rows, columns = -(-(before_y + height) // step_y), -(-(before_x + width) // step_x)
    parts = np.zeros((rows * step_y, columns * step_x, 2), np.float32)
    place = parts[before_y : before_y + height, before_x : before_x + width]
    place[..., 0], place[..., 1] = sprite.opacity, sprite.opacity * values
    means = cv2.resize(parts, (columns, rows), interpolation=cv2.INTER_AREA).reshape(rows, columns, 2)
    opacity, weighted = np.asarray(means[..., 0], np.float32), np.asarray(means[..., 1], np.float32)
    return opacity, np.asarray(weighted / np.maximum(opacity, 1e-6), np.float32)


_grid_of = lru_cache(maxsize=96)(_on_grid)
"""Few, since a plate on a 4K picture takes a megabyte."""


def _samples(low: int, end: int, step: int) -> slice:
    """Samples whose first pixel is in a span of pixels; where it covers none, the next one."""
    first = -(-low // step)
    return slice(max(0, first), max(0, -(-end // step), first + (end > low)))


def _touched(low: int, end: int, step: int) -> slice:
    """Samples of which any pixel is in a span."""
    return slice(max(0, low) // step, max(0, -(-end // step)))


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

"""Face crops as the network knows faces: eyes and mouth where FER2013's pictures have them, full-range."""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_client.video import Frame, Image

LANDMARKS_XY = ((0.308, 0.390), (0.692, 0.390), (0.5, 0.596), (0.344, 0.765), (0.656, 0.765))
"""Eyes, nose and corners of the mouth in FER2013's pictures, from left to right, as shares of the side.

Medians over the 3,519 faces that YuNet finds in every tenth picture, made symmetric, since training mirrors
them: `python -m benchmarks.fer2013_places`; docs/accuracy.md has the spread.
"""

SCALE = 0.95
"""Side of the crop over the longer side of YuNet's box: 0.952 is the median over those same faces."""

_LIMITED_TO_FULL = np.clip(np.rint((np.arange(256) - 16) * 255 / 219), 0, 255).astype(np.uint8)
"""ITU-R BT.601 and BT.709 limited range, black 16 and white 235, to the 0 to 255 that photographs have."""

_MARGIN = 2
"""Pixels around the cut-out that linear interpolation may reach for."""


@dataclass(frozen=True)
class Square:
    """A square on the picture: centre and side in pixels, and how far it is turned clockwise, in radians.

    Coordinates are continuous: the first pixel reaches from 0 to 1.
    """

    centre_xy: tuple[float, float]
    side: float
    tilt: float = 0.0


def crop_faces(
    frame: Frame,
    boxes_xywh: NDArray[Any],
    landmarks_xy: NDArray[np.float32],
    shape: tuple[int, int, int],
) -> Image:
    """Cut the faces out of a frame, upright.

    `boxes_xywh`: [N, 4] in pixels of the upright frame; may reach over its edge, where the edge's pixels
    are repeated. `landmarks_xy`: float32 [N, 5, 2] as in detection.Faces; a face whose landmarks are NaN is
    cut out by its box. Returns uint8 [N, *shape]; a third dimension of 1 is full-range luma, 3 is RGB.
    """
    picture, table = (frame.rgb(), None) if shape[2] == 3 else (frame.luma, _table(frame))
    crops = np.empty((len(boxes_xywh), *shape), np.uint8)
    for crop, box, points in zip(crops, boxes_xywh, landmarks_xy, strict=True):
        face = cut(picture, face_square(box, points), shape[:2])
        crop[...] = (face if table is None else cv2.LUT(face, table)).reshape(shape)
    return crops


def face_square(box_xywh: NDArray[Any], landmarks_xy: NDArray[np.float32]) -> Square:
    """Place the square so that the face lies in it as faces lie in FER2013's pictures.

    The box gives the size, since distances between landmarks shrink when a head turns; the middle between
    eyes and mouth gives the place, and the line of the eyes and the mouth the tilt. Without landmarks, NaN,
    the square is upright around the box's centre.
    """
    x, y, width, height = (float(value) for value in box_xywh)
    side = max(1.0, SCALE * max(width, height))
    if not np.isfinite(landmarks_xy).all():
        return Square((x + width / 2, y + height / 2), side)
    tilt = _tilt(landmarks_xy)
    centre = _middle(landmarks_xy) + side * _turn(tilt) @ (0.5 - _MIDDLE_XY)
    return Square((float(centre[0]), float(centre[1])), side, tilt)


def cut(picture: Image, square: Square, size_hw: tuple[int, int]) -> Image:
    """Scale the square to `size_hw`, uint8 [height, width] or [height, width, 3].

    The part of the picture is first shrunk by whole numbers with area averages, to about the size of the
    crop, since linear interpolation alone aliases where it leaves out pixels.
    """
    part, origin_xy = _part(picture, square)
    steps = [max(1, round(square.side / size)) for size in size_hw[::-1]]
    part = _shrunk(part, steps)
    matrix = _crop_to_picture(square, size_hw)
    matrix[:, 2] -= origin_xy
    matrix /= np.array(steps)[:, None]
    matrix[:, 2] += matrix[:, :2].sum(axis=1) / 2 - 0.5  # OpenCV counts from the centres of pixels
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    face = cv2.warpAffine(part, matrix, size_hw[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(face, np.uint8)


def _table(frame: Frame) -> Any:
    return None if frame.is_full_range else _LIMITED_TO_FULL


_TEMPLATE = np.array(LANDMARKS_XY)
_CENTRED = _TEMPLATE - _TEMPLATE.mean(axis=0)


def _middle(points: NDArray[Any]) -> NDArray[np.float64]:
    """Middle between the eyes' and the mouth's centres; the nose is left out, as it moves when a head turns."""
    return np.asarray((points[0] + points[1] + points[3] + points[4]) / 4, np.float64)


_MIDDLE_XY = _middle(_TEMPLATE)


def _tilt(landmarks_xy: NDArray[np.float32]) -> float:
    """Angle of the similarity that maps FER2013's five places on the landmarks with least squares.

    In the plane, Umeyama's solution (1991, doi:10.1109/34.88573) comes down to one arctangent.
    """
    points = landmarks_xy - landmarks_xy.mean(axis=0)
    along = float((points * _CENTRED).sum())
    across = float((_CENTRED[:, 0] * points[:, 1] - _CENTRED[:, 1] * points[:, 0]).sum())
    return math.atan2(across, along)


def _turn(tilt: float) -> NDArray[np.float64]:
    cosine, sine = math.cos(tilt), math.sin(tilt)
    return np.array([[cosine, -sine], [sine, cosine]])


def _part(picture: Image, square: Square) -> tuple[Image, tuple[int, int]]:
    """Cut out the upright rectangle that holds the square, within the picture; and its left and top."""
    reach = square.side / 2 * (abs(math.cos(square.tilt)) + abs(math.sin(square.tilt))) + _MARGIN
    spans = []
    for centre, length in zip(square.centre_xy, picture.shape[1::-1], strict=True):
        first = min(max(0, math.floor(centre - reach)), length - 1)
        spans.append((first, max(min(length, math.ceil(centre + reach)), first + 1)))
    (left, right), (top, bottom) = spans
    return np.ascontiguousarray(picture[top:bottom, left:right]), (left, top)


def _shrunk(part: Image, steps_xy: list[int]) -> Image:
    """Average blocks of pixels; what does not fill a block at the right or the bottom is left out."""
    if max(steps_xy) == 1:
        return part
    width, height = (max(1, size // step) for size, step in zip(part.shape[1::-1], steps_xy, strict=True))
    whole = np.ascontiguousarray(part[: height * steps_xy[1], : width * steps_xy[0]])
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _crop_to_picture(square: Square, size_hw: tuple[int, int]) -> NDArray[np.float64]:
    """Affine map, [2, 3], from places in the crop to places in the picture, both continuous."""
    turn = square.side * _turn(square.tilt)
    shift = np.array(square.centre_xy) - turn.sum(axis=1) / 2
    return np.column_stack([turn / size_hw[::-1], shift])

"""Face crops as the network knows faces: eyes and mouth where FER2013's images have them, full-range."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_client.faces.detection import Faces
from fer_client.media.frame import Frame, Image
from fer_client.media.luma import LIMITED_TO_FULL

LANDMARKS_XY = ((0.308, 0.390), (0.692, 0.390), (0.5, 0.596), (0.344, 0.765), (0.656, 0.765))
"""Eyes, nose and corners of the mouth in FER2013's images, from left to right, as shares of the side.

Medians over the 3,519 faces that YuNet finds in every tenth image, made symmetric, since training mirrors
them: `python -m benchmarks.fer2013_places`; docs/accuracy.md has the spread.
"""

SCALE = 0.95
"""Side of the crop over the longer side of YuNet's box: 0.952 is the median over those same faces."""

TILT_SHARE = 0.75
"""How much of a face's tilt is taken out. Faces of FER2013 are tilted too, by 6 degrees as a rule, and part
of a measured tilt is error; more helps leaning heads, less helps upright ones (docs/accuracy.md)."""

Points = Sequence[Sequence[float]]
"""Five landmarks. A face's few numbers stay plain floats: NumPy would take longer than the cutting."""

_MARGIN = 2
"""Pixels around the cut-out that linear interpolation may reach for."""


@dataclass(frozen=True)
class FaceCrops:
    """The faces of one frame, cut out: int32 boxes [N, 4] in pixels, scores [N], and uint8 crops [N, H, W, C].

    A score is NaN where the detector did not look at this frame. `starts_shot`: the frame is the first
    after a cut, or of the video.
    """

    index: int
    time_s: float
    boxes_xywh: NDArray[np.int32]
    scores: NDArray[np.float32]
    crops: Image
    starts_shot: bool = False


@dataclass(frozen=True)
class Square:
    """A square on the image: centre and side in pixels, and how far it is turned clockwise, in radians.

    Coordinates are continuous: the first pixel reaches from 0 to 1.
    """

    centre_xy: tuple[float, float]
    side: float
    tilt: float = 0.0


def cut_out(frame: Frame, faces: Faces, starts_shot: bool, crop_shape: tuple[int, int, int]) -> FaceCrops:
    """Cut out the faces of a frame, from left to right."""
    order = np.argsort(faces.boxes_xywh[:, 0], kind="stable")
    boxes, landmarks = faces.boxes_xywh[order], faces.landmarks_xy[order]
    crops = crop_faces(frame, boxes, landmarks, crop_shape)
    whole = np.rint(boxes).astype(np.int32)
    return FaceCrops(frame.index, frame.time_s, whole, faces.scores[order], crops, starts_shot)


def crop_faces(
    frame: Frame,
    boxes_xywh: NDArray[Any],
    landmarks_xy: NDArray[np.float32],
    shape: tuple[int, int, int],
) -> Image:
    """Cut the faces out of a frame, upright.

    `boxes_xywh`: [N, 4] in square pixels of the upright frame; may reach over its edge, where the edge's
    pixels are repeated. `landmarks_xy`: float32 [N, 5, 2] as in detection.Faces. Returns uint8
    [N, *shape]; a third dimension of 1 is full-range luma, 3 is RGB.
    """
    crops = np.empty((len(boxes_xywh), *shape), np.uint8)
    if not len(crops):  # spares the conversion to RGB
        return crops
    image, table = (frame.rgb(), None) if shape[2] == 3 else (frame.luma, _table(frame))
    scale_xy = image.shape[1] / frame.size_wh[0], image.shape[0] / frame.size_wh[1]
    for crop, box, points in zip(crops, boxes_xywh, landmarks_xy, strict=True):
        face = cut(image, face_square(box, points), shape[:2], scale_xy)
        crop[...] = (face if table is None else cv2.LUT(face, table)).reshape(shape)
    return crops


def face_square(box_xywh: NDArray[Any], landmarks_xy: NDArray[np.float32]) -> Square:
    """Place the square so that the face lies in it as faces lie in FER2013's images.

    The box gives the size, since distances between landmarks shrink when a head turns; the middle between
    eyes and mouth gives the place, and all five landmarks the tilt.
    """
    _, _, width, height = box_xywh.tolist()
    points = landmarks_xy.tolist()
    side, tilt = max(1.0, SCALE * max(width, height)), TILT_SHARE * _tilt(points)
    cosine, sine = side * math.cos(tilt), side * math.sin(tilt)
    (x, y), (right, down) = _middle(points), _FROM_MIDDLE
    return Square((x + cosine * right - sine * down, y + sine * right + cosine * down), side, tilt)


def cut(
    image: Image, square: Square, size_hw: tuple[int, int], scale_xy: tuple[float, float] = (1.0, 1.0)
) -> Image:
    """Scale the square to `size_hw`, uint8 [height, width] or [height, width, 3].

    `scale_xy`: the image's pixels per pixel of the square's coordinates, where its pixels are not square.
    Linear interpolation alone aliases where it leaves out pixels. So a large part of the image is first
    shrunk by a whole number, then read at twice the crop's resolution, then halved, by area averages.
    """
    samples = 2 if square.side > min(size_hw) else 1
    fine_wh = size_hw[1] * samples, size_hw[0] * samples
    part, origin_xy = _part(image, square, scale_xy)
    steps_xy = [
        max(1, round(square.side * scale / size)) for size, scale in zip(fine_wh, scale_xy, strict=True)
    ]
    part = _shrunk(part, steps_xy)
    matrix = _crop_to_part(square, scale_xy, fine_wh, origin_xy, steps_xy)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    fine = cv2.warpAffine(part, matrix, fine_wh, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(fine, size_hw[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _table(frame: Frame) -> Any:
    return None if frame.is_full_range else LIMITED_TO_FULL


def _middle(points: Points) -> tuple[float, float]:
    """Middle between the eyes' and the mouth's centres; the nose is left out, as it moves when a head turns."""
    left_eye, right_eye, _, left, right = points
    x, y = (left_eye[axis] + right_eye[axis] + left[axis] + right[axis] for axis in (0, 1))
    return x / 4, y / 4


def _about_their_mean(points: Points) -> list[tuple[float, float]]:
    x, y = (sum(point[axis] for point in points) / len(points) for axis in (0, 1))
    return [(point[0] - x, point[1] - y) for point in points]


_TEMPLATE = _about_their_mean(LANDMARKS_XY)
_FROM_MIDDLE = tuple(0.5 - value for value in _middle(LANDMARKS_XY))


def _tilt(points: Points) -> float:
    """Angle of the similarity that maps FER2013's five places on the landmarks with least squares.

    In the plane, Umeyama's solution (1991, doi:10.1109/34.88573) comes down to one arctangent.
    """
    along = across = 0.0
    for (x, y), (at_x, at_y) in zip(_TEMPLATE, _about_their_mean(points), strict=True):
        along += x * at_x + y * at_y
        across += x * at_y - y * at_x
    return math.atan2(across, along)


def _part(image: Image, square: Square, scale_xy: tuple[float, float]) -> tuple[Image, tuple[int, int]]:
    """Cut out the upright rectangle that holds the square, within the image; and its left and top."""
    half = square.side / 2 * (abs(math.cos(square.tilt)) + abs(math.sin(square.tilt)))
    spans = []
    for centre, scale, length in zip(square.centre_xy, scale_xy, image.shape[1::-1], strict=True):
        at, reach = centre * scale, half * scale + _MARGIN
        first = min(max(0, math.floor(at - reach)), length - 1)
        spans.append((first, max(min(length, math.ceil(at + reach)), first + 1)))
    (left, right), (top, bottom) = spans
    return np.ascontiguousarray(image[top:bottom, left:right]), (left, top)


def _shrunk(part: Image, steps_xy: list[int]) -> Image:
    """Average blocks of pixels; what does not fill a block at the right or the bottom is left out."""
    if max(steps_xy) == 1:
        return part
    width, height = (max(1, size // step) for size, step in zip(part.shape[1::-1], steps_xy, strict=True))
    whole = np.ascontiguousarray(part[: height * steps_xy[1], : width * steps_xy[0]])
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _crop_to_part(
    square: Square,
    scale_xy: tuple[float, float],
    size_wh: tuple[int, int],
    origin_xy: tuple[int, int],
    steps_xy: list[int],
) -> NDArray[np.float64]:
    """Affine map, [2, 3], from pixels of the crop to those of the shrunk part, counted from their centres."""
    cosine, sine = square.side * math.cos(square.tilt), square.side * math.sin(square.tilt)
    rows = []
    for axis, turn in enumerate(((cosine, -sine), (sine, cosine))):
        corner = (square.centre_xy[axis] - sum(turn) / 2) * scale_xy[axis] - origin_xy[axis]
        right, down = (share / size * scale_xy[axis] for share, size in zip(turn, size_wh, strict=True))
        shift = (corner + (right + down) / 2) / steps_xy[axis] - 0.5
        rows.append((right / steps_xy[axis], down / steps_xy[axis], shift))
    return np.array(rows)

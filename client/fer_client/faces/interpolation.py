"""The faces of every frame from a detector that looks at key frames: linear interpolation between its detections.

The detector looks at the key frames at both ends of a segment. Where their faces match one to one, surely and
with little motion, those between are interpolated linearly in time. Anything else splits the segment in the middle,
until a part can be interpolated or has nothing between its ends. So a face that comes or goes does so at the very
frame, at a cost that grows with the logarithm of the segment, and quiet stretches cost one detection each. A face
that both comes and goes between the ends is missed, and one that is hidden in between goes on.

Measured against a detection on every frame, a segment of 6 frames keeps all of the faces and adds none; docs/speed.md
has what it keeps of the strongest expressions, and on how many frames the detector looks.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fer_client.faces.boxes import iou_matrix
from fer_client.faces.detection import Faces

KEY_FRAME_MIN_IOU = 0.8
"""Least overlap of a face's boxes at both ends. A least overlap of 0.6 agrees on 96.6 % of the expressions."""

MIN_SCORE = 0.85
"""Least score of a sure face. Less sure ones flicker, and are looked for on every frame between."""


def interpolate(
    ends: tuple[Faces, Faces], times_s: Sequence[float], detect: Callable[[int], Faces]
) -> list[Faces]:
    """Return the faces of every frame of a segment, its ends included.

    `ends`: the faces of the first and the last frame. `times_s`: presentation times of all its frames.
    `detect` finds the faces of the frame at a position in the segment; it is called where they cannot be interpolated.
    """
    found = {0: ends[0], len(times_s) - 1: ends[1]}
    parts = [(0, len(times_s) - 1)]
    while parts:
        low, high = parts.pop()
        if high - low < 2:
            continue
        order = match_faces(found[low], found[high])
        if order is None:
            middle = (low + high) // 2
            found[middle] = detect(middle)
            parts += [(low, middle), (middle, high)]
        else:
            for position, fraction in enumerate(_fractions(times_s[low : high + 1])[1:-1], low + 1):
                found[position] = _interpolated(found[low], found[high], order, fraction)
    return [found[position] for position in range(len(times_s))]


def match_faces(first: Faces, last: Faces) -> NDArray[np.intp] | None:
    """Match the N faces of both: the index in `last` of each in `first`, [N]; None where one of them is unsure."""
    count = len(first.scores)
    if count != len(last.scores) or (np.concatenate([first.scores, last.scores]) < MIN_SCORE).any():
        return None
    if not count:
        return np.empty(0, np.intp)
    overlap = iou_matrix(first.boxes_xywh, last.boxes_xywh)
    order = overlap.argmax(axis=1)
    is_one_to_one = len(set(order.tolist())) == count
    return order if is_one_to_one and overlap[np.arange(count), order].min() >= KEY_FRAME_MIN_IOU else None


def _interpolated(first: Faces, last: Faces, order: NDArray[np.intp], fraction: float) -> Faces:
    """Return the faces at a fraction in [0, 1] of the way; their scores are NaN, since no detector saw them."""
    boxes, landmarks = (
        start + np.float32(fraction) * (end[order] - start)
        for start, end in ((first.boxes_xywh, last.boxes_xywh), (first.landmarks_xy, last.landmarks_xy))
    )
    return Faces(boxes, np.full(len(boxes), np.nan, np.float32), landmarks)


def _fractions(times_s: Sequence[float]) -> list[float]:
    """How far each time is from the first, 0, to the last, 1; by count where the times do not rise."""
    start, extent = times_s[0], times_s[-1] - times_s[0]
    if any(after < before for before, after in pairwise(times_s)) or extent <= 0:
        return [index / (len(times_s) - 1) for index in range(len(times_s))]
    return [(time - start) / extent for time in times_s]

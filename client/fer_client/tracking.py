"""Who is who from frame to frame: boxes that overlap keep their number."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_IOU = 0.3
"""Least overlap of two boxes of one face. Lower follows faster motion and confuses neighbours sooner."""

MAX_GAP_S = 1.0
"""How long a face may stay unseen and keep its number. Longer bridges occlusions and risks a stranger."""


def iou_matrix(boxes_xywh: NDArray[np.float32], others_xywh: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of every pair of boxes, [N, 4] and [M, 4] to [N, M] in [0, 1]."""
    low = np.maximum(boxes_xywh[:, None, :2], others_xywh[None, :, :2])
    ends, other_ends = (boxes[:, :2] + boxes[:, 2:] for boxes in (boxes_xywh, others_xywh))
    high = np.minimum(ends[:, None], other_ends[None])
    overlap = np.clip(high - low, 0, None).prod(axis=2)
    areas, other_areas = (boxes[:, 2:].prod(axis=1) for boxes in (boxes_xywh, others_xywh))
    union = areas[:, None] + other_areas[None] - overlap
    return np.asarray(overlap / np.maximum(union, 1e-9), np.float32)


@dataclass
class _Track:
    number: int
    box_xywh: NDArray[np.float32]
    seen_s: float


class Tracker:
    """Numbers the faces of one video from 1, in the order of their first appearance."""

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._count = 0

    def update(self, boxes_xywh: NDArray[np.float32], time_s: float) -> list[int]:
        """Return the track number of each box, float32 [N, 4], seen at `time_s`.

        Pairs are taken greedily from the largest overlap down; a box without a pair opens a track.
        """
        self._tracks = [track for track in self._tracks if abs(time_s - track.seen_s) <= MAX_GAP_S]
        paired = self._pair(boxes_xywh)
        return [
            self._see(paired[index], box, time_s) if index in paired else self._open(box, time_s)
            for index, box in enumerate(boxes_xywh)
        ]

    def _pair(self, boxes_xywh: NDArray[np.float32]) -> dict[int, _Track]:
        if not self._tracks or not len(boxes_xywh):
            return {}
        overlap = iou_matrix(boxes_xywh, np.stack([track.box_xywh for track in self._tracks]))
        pairs: dict[int, _Track] = {}
        while overlap.max() >= MIN_IOU:
            box, track = np.unravel_index(overlap.argmax(), overlap.shape)
            pairs[int(box)] = self._tracks[track]
            overlap[box, :] = overlap[:, track] = 0
        return pairs

    def _see(self, track: _Track, box_xywh: NDArray[np.float32], time_s: float) -> int:
        track.box_xywh, track.seen_s = box_xywh, time_s
        return track.number

    def _open(self, box_xywh: NDArray[np.float32], time_s: float) -> int:
        self._count += 1
        self._tracks.append(_Track(self._count, box_xywh, time_s))
        return self._count

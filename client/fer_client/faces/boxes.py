"""Boxes of one moment against boxes of another: how much they overlap, and which belong together."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def iou_matrix(boxes_xywh: NDArray[np.float32], others_xywh: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of every pair of boxes, [N, 4] and [M, 4] to [N, M] in [0, 1]."""
    low = np.maximum(boxes_xywh[:, None, :2], others_xywh[None, :, :2])
    ends, other_ends = (boxes[:, :2] + boxes[:, 2:] for boxes in (boxes_xywh, others_xywh))
    high = np.minimum(ends[:, None], other_ends[None])
    sides = np.maximum(high - low, 0)
    overlap = sides[..., 0] * sides[..., 1]
    areas, other_areas = (boxes[:, 2] * boxes[:, 3] for boxes in (boxes_xywh, others_xywh))
    union = areas[:, None] + other_areas[None] - overlap
    return np.asarray(overlap / np.maximum(union, 1e-9), np.float32)


def greedy_pairs(gain: NDArray[np.float32], least: float) -> Iterator[tuple[int, int]]:
    """Yield the row and column of the largest gain [N, M], without them the next, down to `least`.

    The assignment of the largest sum (Kuhn 1955) brought nothing: over simulated crossings, see
    `fer_client.faces.tracking`, it changed as many numbers and gave more boxes a wrong one, since a face that
    has just come costs it nothing to pair with one that has just gone.
    """
    left = np.array(gain, np.float32)
    while left.size and (best := left.max()) >= least and best > -np.inf:
        row, column = divmod(int(left.argmax()), left.shape[1])
        yield row, column
        left[row, :] = left[:, column] = -np.inf

"""Overlap of boxes, and pairs by the largest gain."""

import numpy as np

from fer_client.faces.boxes import greedy_pairs, iou_matrix


def boxes(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


def test_overlap_of_boxes() -> None:
    overlap = iou_matrix(boxes((0, 0, 10, 10)), boxes((0, 0, 10, 10), (5, 0, 10, 10), (20, 20, 5, 5)))
    np.testing.assert_allclose(overlap, [[1, 1 / 3, 0]], rtol=1e-6)


def test_the_largest_gain_comes_first_and_the_least_is_kept() -> None:
    gain = np.array([[0.9, 0.8], [0.85, 0.1]], np.float32)
    assert list(greedy_pairs(gain, 0.2)) == [(0, 0)]
    assert list(greedy_pairs(gain, 0.1)) == [(0, 0), (1, 1)]
    assert gain[0, 0] == np.float32(0.9)
    assert list(greedy_pairs(np.empty((0, 3), np.float32), 0.1)) == []

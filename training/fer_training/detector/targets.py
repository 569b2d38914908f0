"""What each cell of the network's grids should answer for the faces of a canvas.

Each of three grids, of cells of 8, 16 and 32 pixels, has a range of face sizes of its own; where two ranges overlap,
both learn the face. The cells about a face's middle learn it, those around them are left out, all others learn that
there is none (centre sampling, Tian et al. 2019, FCOS, arXiv 1904.01355).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_training.detector.pictures import SURE, Faces

STRIDES = (8, 16, 32)
SIZES = ((5.0, 30.0), (24.0, 80.0), (60.0, np.inf))
"""Least and largest side of a face, as the root of its area, that each grid learns."""

_MIDDLE = 0.3
"""Cells whose middle is nearer than this share of the face's side, along each axis, learn it; at least the nearest."""

_AROUND = 0.45
_SMALLEST = 5.0
_NEAR = 1.6
"""Where a size is out of a grid's range by at most this factor, the grid learns nothing of the face's middle."""

SCORE, WEIGHT, IS_FACE, BOX, LANDMARKS, HAS_LANDMARKS = 0, 1, 2, slice(3, 7), slice(7, 17), 17
COLUMNS = 18
"""Columns of a target. BOX: the middle's place from the cell's corner and the logarithm of width and height, all in
cells; LANDMARKS: places from the cell's corner, in cells."""


@dataclass(frozen=True)
class _Grid:
    stride: int
    side: int

    @property
    def middles(self) -> NDArray[np.float32]:
        """Middle of each cell along one axis, in pixels."""
        return (np.arange(self.side, dtype=np.float32) + 0.5) * self.stride


def cell_places(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Corner of each cell in pixels, float32 [P, 2], and its stride, float32 [P], for an input of that size."""
    corners, strides = [], []
    for stride in STRIDES:
        lines, columns = np.mgrid[: height // stride, : width // stride]
        corners.append(np.column_stack([columns.ravel(), lines.ravel()]) * stride)
        strides.append(np.full(lines.size, stride))
    return np.concatenate(corners).astype(np.float32), np.concatenate(strides).astype(np.float32)


def cell_boxes(
    answers: NDArray[np.float32], corners: NDArray[np.float32], strides: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Left, top, width and height in pixels, float32 [N, 4], of boxes as BOX holds them, for cells at these places."""
    middles = corners + answers[:, :2] * strides[:, np.newaxis]
    sides = np.exp(answers[:, 2:4]) * strides[:, np.newaxis]
    return np.column_stack([middles - sides / 2, sides]).astype(np.float32)


def cell_targets(faces: Faces, side: int) -> NDArray[np.float32]:
    """Targets of all cells of a square canvas, float32 [P, COLUMNS]: the grids one after another, row by row."""
    parts = []
    for stride, (least, largest) in zip(STRIDES, SIZES, strict=True):
        parts.append(_grid_targets(faces, _Grid(stride, side // stride), least, largest))
    return np.concatenate(parts)


def _grid_targets(faces: Faces, grid: _Grid, least: float, largest: float) -> NDArray[np.float32]:
    cells = np.zeros((grid.side, grid.side, COLUMNS), np.float32)
    cells[..., WEIGHT] = 1
    sizes = np.sqrt(faces.boxes[:, 2] * faces.boxes[:, 3])
    is_sure = (faces.scores >= SURE) & (sizes >= _SMALLEST)
    for number in np.flatnonzero(~is_sure):
        lines, columns = _cells_within(faces.boxes[number], grid, 0.5)
        cells[lines, columns, WEIGHT] = 0
    # Large faces first, so that a smaller one before them keeps its cells.
    for number in sorted(is_sure.nonzero()[0].tolist(), key=lambda face: -sizes[face]):
        box, size = faces.boxes[number], sizes[number]
        if least <= size <= largest:
            lines, columns = _cells_within(box, grid, _AROUND)
            cells[lines, columns, WEIGHT] *= cells[lines, columns, IS_FACE]
            lines, columns = _cells_within(box, grid, _MIDDLE)
            cells[lines, columns] = _answers(faces, number, grid, lines, columns)
        elif least / _NEAR <= size <= largest * _NEAR:
            lines, columns = _cells_within(box, grid, _MIDDLE)
            cells[lines, columns, WEIGHT] *= cells[lines, columns, IS_FACE]
    return cells.reshape(-1, COLUMNS)


def _cells_within(
    box: NDArray[np.float32], grid: _Grid, share: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Lines [L, 1] and columns [C] of the cells nearer to the box's middle than a share of its sides."""
    axes = []
    for axis in (1, 0):
        middle, side = float(box[axis] + box[axis + 2] / 2), float(box[axis + 2])
        nearest = int(middle // grid.stride)
        is_near = np.abs(grid.middles - middle) <= share * side
        if 0 <= nearest < grid.side:
            is_near[nearest] = True
        axes.append(np.flatnonzero(is_near))
    return axes[0][:, np.newaxis], axes[1]


def _answers(
    faces: Faces, number: int, grid: _Grid, lines: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.float32]:
    box = faces.boxes[number] / grid.stride
    answers = np.zeros((*np.broadcast_shapes(lines.shape, columns.shape), COLUMNS), np.float32)
    corners = np.stack(np.broadcast_arrays(columns, lines), axis=-1).astype(np.float32)
    answers[..., SCORE] = faces.scores[number]
    answers[..., WEIGHT] = answers[..., IS_FACE] = 1
    answers[..., 3:5] = box[:2] + box[2:] / 2 - corners
    answers[..., 5:7] = np.log(box[2:])
    landmarks = faces.landmarks[number] / grid.stride
    if not np.isnan(landmarks).any():
        answers[..., LANDMARKS] = (landmarks - corners[..., np.newaxis, :]).reshape(*corners.shape[:-1], 10)
        answers[..., HAS_LANDMARKS] = 1
    return answers

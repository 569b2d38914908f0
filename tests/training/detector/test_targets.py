"""What the cells of the three grids are to answer for the faces of a canvas."""

import numpy as np
import pytest

from fer_training.detector.pictures import Faces
from fer_training.detector.targets import (
    BOX,
    COLUMNS,
    HAS_LANDMARKS,
    IS_FACE,
    LANDMARKS,
    SCORE,
    STRIDES,
    WEIGHT,
    cell_targets,
)

SIDE = 192


def face(x: float, y: float, side: float, score: float = 0.9) -> list[float]:
    eyes_to_mouth = [x + 0.3 * side, y + 0.4 * side] * 5
    return [x, y, side, side, *eyes_to_mouth, score]


def grids(*rows: list[float]) -> dict[int, np.ndarray]:
    cells = cell_targets(Faces.from_rows(np.array(rows, np.float32)), SIDE)
    parts, first = {}, 0
    for stride in STRIDES:
        side = SIDE // stride
        parts[stride] = cells[first : first + side * side].reshape(side, side, COLUMNS)
        first += side * side
    assert first == len(cells)
    return parts


@pytest.mark.parametrize(
    ("side", "strides"), [(12, {8}), (27, {8, 16}), (50, {16}), (70, {16, 32}), (150, {32})]
)
def test_a_face_is_learned_by_the_grids_of_its_size(side: float, strides: set[int]) -> None:
    found = grids(face(20, 20, side))
    assert {stride for stride, cells in found.items() if cells[..., IS_FACE].any()} == strides


def test_a_cell_leads_back_to_the_face() -> None:
    cells = grids(face(40, 60, 24))[8]
    lines, columns = np.nonzero(cells[..., IS_FACE])
    for line, column in zip(lines, columns, strict=True):
        answers, corner = cells[line, column], np.array([column, line], np.float32)
        middle, sides = (corner + answers[BOX][:2]) * 8, np.exp(answers[BOX][2:]) * 8
        np.testing.assert_allclose(np.concatenate([middle - sides / 2, sides]), [40, 60, 24, 24], rtol=1e-5)
        points = (corner + answers[LANDMARKS].reshape(5, 2)) * 8
        np.testing.assert_allclose(points, [[40 + 7.2, 60 + 9.6]] * 5, rtol=1e-5)
        assert answers[SCORE] == np.float32(0.9)


def test_of_an_unsure_face_nothing_is_learned() -> None:
    found = grids(face(40, 40, 48, score=0.6))
    assert not any(cells[..., IS_FACE].any() for cells in found.values())
    assert found[16][4, 4, WEIGHT] == 0
    assert found[16][0, 0, WEIGHT] == 1


def test_around_a_face_nothing_is_learned_and_far_from_it_that_there_is_none() -> None:
    cells = grids(face(40, 40, 72))[16]
    middle = cells[..., IS_FACE] > 0
    assert cells[middle][:, WEIGHT].all()
    assert (cells[~middle][:, WEIGHT] == 0).any()
    assert cells[11, 11, WEIGHT] == 1
    assert cells[11, 11, SCORE] == 0


def test_a_smaller_face_keeps_its_cells_before_a_larger_one() -> None:
    cells = grids(face(44, 44, 26), face(34, 34, 50))[16]
    answered = np.exp(cells[3, 3, BOX][2]) * 16
    assert answered == pytest.approx(26, rel=1e-4)


def test_landmarks_that_are_not_known_are_not_learned() -> None:
    row = face(40, 40, 24)
    row[4:14] = [np.nan] * 10
    cells = grids(row)[8]
    is_face = cells[..., IS_FACE] > 0
    assert is_face.any()
    assert not cells[is_face][:, HAS_LANDMARKS].any()
    assert np.isfinite(cells).all()

"""What a teacher says of a canvas, beside what the labels say."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_client.errors import InputError
from fer_training.detector.pictures import Faces
from fer_training.detector.targets import BOX, HAS_LANDMARKS, IS_FACE, LANDMARKS, SCORE, WEIGHT, cell_places
from fer_training.detector.teacher import Teacher, taught_targets

SIDE = 96


def label(x: float, y: float, side: float, score: float = 0.9) -> Faces:
    return Faces.from_rows(np.array([x, y, side, side, *[x + side / 2, y + side / 2] * 5, score], np.float32))


def said(x: float, y: float, side: float, score: float) -> tuple[np.ndarray, int]:
    """Answers that see one face, in the cell of 8 pixels about its middle, and that cell."""
    corners, strides = cell_places(SIDE, SIDE)
    middle = np.array([x, y]) + side / 2
    cell = int(np.flatnonzero((strides == 8) & ((corners // 8) == middle // 8).all(axis=1))[0])
    answers = np.zeros((len(corners), 15), np.float32)
    answers[:, 0] = 0.01
    answers[cell, 0] = score
    answers[cell, 1:3] = (middle - corners[cell]) / 8
    answers[cell, 3:5] = np.log(side / 8)
    answers[cell, 5:] = 0.25
    return answers, cell


def test_a_face_that_the_teacher_sees_is_learned_as_it_says() -> None:
    answers, cell = said(30, 30, 20, 0.7)
    targets = taught_targets(label(32, 31, 19), answers, SIDE)
    assert np.flatnonzero(targets[:, IS_FACE]).tolist() == [cell]
    assert targets[cell, [SCORE, IS_FACE, HAS_LANDMARKS]] == pytest.approx([0.7] * 3)
    np.testing.assert_array_equal(targets[cell, BOX], answers[cell, 1:5])
    np.testing.assert_array_equal(targets[cell, LANDMARKS], answers[cell, 5:])
    assert targets[:, WEIGHT].all()
    assert targets[np.arange(len(targets)) != cell, SCORE] == pytest.approx(0.01)


def test_what_it_sees_where_no_label_is_counts_for_nothing() -> None:
    answers, cell = said(60, 60, 20, 0.9)
    targets = taught_targets(label(10, 10, 20), answers, SIDE)
    assert targets[cell, WEIGHT] == 0
    assert not targets[cell, IS_FACE]


@pytest.mark.parametrize(("side", "is_learned"), [(8, False), (20, True)])
def test_a_face_that_it_does_not_see_is_learned_where_it_is_not_tiny(side: float, is_learned: bool) -> None:
    answers, cell = said(30, 30, side, 0.1)
    targets = taught_targets(label(30, 30, side), answers, SIDE)
    assert targets[cell, IS_FACE] == is_learned
    assert targets[cell, SCORE] == pytest.approx(0.9 if is_learned else 0.1)


def test_a_label_that_it_half_sees_is_learned_by_the_label_alone() -> None:
    answers, cell = said(30, 30, 24, 0.4)
    targets = taught_targets(label(30, 30, 24), answers, SIDE)
    assert targets[cell, SCORE] == pytest.approx(0.9)
    assert set(targets[targets[:, IS_FACE] > 0, SCORE].tolist()) == {np.float32(0.9)}


def test_an_unsure_label_makes_what_it_sees_a_face() -> None:
    answers, cell = said(30, 30, 20, 0.85)
    targets = taught_targets(label(30, 30, 20, score=0.6), answers, SIDE)
    assert targets[cell, IS_FACE] == pytest.approx(0.85)


def test_it_answers_as_opencv_decodes_it(shared: Path) -> None:
    pytest.importorskip("keras")
    from fer_training.detector.decoding import decoded

    weights = shared / "models" / "face_detection_yunet_2023mar.onnx"
    photograph = sorted((shared / "media" / "photos").glob("*.jpg"))[0]
    luma = cv2.resize(cv2.imread(str(photograph), cv2.IMREAD_GRAYSCALE), (320, 320))
    found = decoded(Teacher(weights).answers(luma), (320, 320), 0.6)
    opencv = cv2.FaceDetectorYN.create(str(weights), "", (320, 320), score_threshold=0.6)
    rows = opencv.detect(cv2.cvtColor(luma, cv2.COLOR_GRAY2BGR))[1]
    assert len(rows) > 0
    order = np.argsort(-found.scores)
    np.testing.assert_allclose(found.as_rows()[order], rows[np.argsort(-rows[:, 14])], atol=1e-2)


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "other.onnx").write_bytes(b"no network")
    with pytest.raises(InputError, match="YuNet"):
        Teacher(tmp_path / "other.onnx")

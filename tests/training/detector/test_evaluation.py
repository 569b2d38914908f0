"""Average precision by hand-made detections."""

import numpy as np
import pytest

from fer_training.detector.evaluation import Detections, average_precision, detector_figures, judged
from fer_training.detector.pictures import Faces

PLACES = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])


def faces(*rows: tuple[float, float, float, float, float]) -> Faces:
    table = np.zeros((len(rows), 15), np.float32)
    for line, (x, y, width, height, score) in zip(table, rows, strict=True):
        line[:4] = x, y, width, height
        line[4:14] = (
            np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]]) * (width, height)
            + (x, y)
        ).ravel()
        line[14] = score
    return Faces.from_rows(table)


THERE = faces((10, 10, 40, 40, 0.9), (100, 10, 40, 40, 0.9))


def test_all_found_and_nothing_else_is_whole() -> None:
    figures = detector_figures([Detections(THERE, THERE)])
    assert figures == {
        "average_precision": 1.0,
        "recall": 1.0,
        "precision": 1.0,
        "landmark_error": pytest.approx(0, abs=1e-6),
    }


def test_a_second_detection_of_a_face_is_wrong() -> None:
    twice = faces((10, 10, 40, 40, 0.9), (12, 10, 40, 40, 0.8))
    _, is_right, count = judged([Detections(twice, THERE)])
    assert (is_right.tolist(), count) == ([True, False], 2)


def test_unsure_and_tiny_faces_are_neither_asked_for_nor_held_against_it() -> None:
    unsure = faces((10, 10, 40, 40, 0.6), (100, 10, 5, 5, 0.9))
    scores, is_right, count = judged([Detections(THERE, unsure)])
    assert count == 0
    assert is_right.tolist() == [False]
    assert scores.tolist() == [pytest.approx(0.9)]


def test_the_area_under_the_curve_by_hand() -> None:
    # Right, wrong, right of two: precision 1 up to recall 0.5, then 2/3.
    scores, is_right = np.array([0.9, 0.8, 0.7], np.float32), np.array([True, False, True])
    assert average_precision(scores, is_right, 2) == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_landmarks_are_off_by_the_distance_of_the_eyes() -> None:
    rows = THERE.as_rows()
    rows[:, 4:14:2] += 4  # a quarter of the 16 pixels between the eyes
    figures = detector_figures([Detections(Faces.from_rows(rows), THERE)])
    assert figures["landmark_error"] == pytest.approx(0.25, rel=1e-3)

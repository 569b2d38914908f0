"""Which faces of a frame count."""

import numpy as np

from fer_client.faces.alignment import FaceCrops
from fer_client.inference.client import Predictions
from fer_client.temporal.frame import followed


def test_a_face_that_is_not_followed_does_not_count() -> None:
    boxes = np.arange(12, dtype=np.int32).reshape(3, 4)
    scores = np.array([0.9, 0.5, np.nan], np.float32)
    faces = FaceCrops(7, 1.5, boxes, scores, np.zeros((3, 8, 8, 1), np.uint8))
    answer = Predictions(np.eye(3, dtype=np.float32), np.arange(6, dtype=np.float32).reshape(3, 2))
    frame = followed(faces, [4, None, 9], answer)
    assert list(frame.tracks) == [4, 9]
    assert frame.boxes_xywh.tolist() == boxes[[0, 2]].tolist()
    assert frame.predictions.expression.tolist() == np.eye(3)[[0, 2]].tolist()
    assert frame.smoothed.valence_arousal is not None
    assert frame.smoothed.valence_arousal.tolist() == [[0, 1], [4, 5]]
    assert followed(faces, [1, 2, 3], answer).predictions is answer

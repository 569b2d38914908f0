"""From the network's answers to faces, as OpenCV's `FaceDetectorYN` does it."""

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from fer_training.detector.network import LEAST_SIDE, cell_places
from fer_training.detector.pictures import Faces

NMS_IOU = 0.3
"""Of two faces that overlap by more, the surer one stays; FaceDetectorYN's default."""


def find_faces(model: keras.Model, luma: NDArray[np.uint8], min_score: float) -> Faces:
    """Faces of a picture, uint8 [H, W], whose score reaches the minimum; black is set at its right and below it."""
    height, width = luma.shape
    padded = np.zeros((-height % LEAST_SIDE + height, -width % LEAST_SIDE + width), np.float32)
    padded[:height, :width] = luma
    answers = np.asarray(model.predict_on_batch(padded[np.newaxis, ..., np.newaxis]), np.float32)[0]
    return decoded(answers, padded.shape[0], padded.shape[1], min_score)


def decoded(answers: NDArray[np.float32], height: int, width: int, min_score: float) -> Faces:
    """Faces from answers [P, ANSWERS] for an input of that size, by non-maximum suppression."""
    scores = 1 / (1 + np.exp(-answers[:, 0].clip(-60, 60)))
    kept = scores >= min_score
    corners, strides = (places[kept] for places in cell_places(height, width))
    answers, scores = answers[kept], scores[kept].astype(np.float32)
    stride = strides[:, np.newaxis]
    middles, sides = corners + answers[:, 1:3] * stride, np.exp(answers[:, 3:5]) * stride
    boxes = np.column_stack([middles - sides / 2, sides]).astype(np.float32)
    landmarks = corners[:, np.newaxis] + answers[:, 5:].reshape(-1, 5, 2) * stride[..., np.newaxis]
    chosen = np.asarray(
        cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), min_score, NMS_IOU), np.intp
    ).ravel()
    return Faces(boxes, landmarks.astype(np.float32), scores).chosen(chosen)

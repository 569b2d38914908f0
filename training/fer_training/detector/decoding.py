"""From the network's answers to faces, as OpenCV's `FaceDetectorYN` does it."""

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from fer_training.detector.network import LEAST_SIDE
from fer_training.detector.pictures import Faces
from fer_training.detector.targets import cell_boxes, cell_places

NMS_IOU = 0.3
"""Of two faces that overlap by more, the surer one stays; FaceDetectorYN's default."""


def find_faces(model: keras.Model, luma: NDArray[np.uint8], min_score: float) -> Faces:
    """Faces of a picture, uint8 [H, W], whose score reaches the minimum."""
    image = padded(luma)
    answers = np.array(
        model.predict_on_batch(image[np.newaxis, ..., np.newaxis].astype(np.float32)), np.float32
    )[0]
    answers[:, 0] = 1 / (1 + np.exp(-answers[:, 0].clip(-60, 60)))
    return decoded(answers, image.shape, min_score)


def padded(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Set black at the right of a picture and below it, up to multiples of LEAST_SIDE."""
    height, width = luma.shape
    return np.pad(luma, ((0, -height % LEAST_SIDE), (0, -width % LEAST_SIDE)))


def decoded(answers: NDArray[np.float32], size_hw: tuple[int, int], min_score: float) -> Faces:
    """Faces of an input of that size from score in [0, 1], box and landmarks of each cell [P, 15], less overlaps."""
    kept = answers[:, 0] >= min_score
    corners, strides = (places[kept] for places in cell_places(*size_hw))
    answers, scores = answers[kept], answers[kept, 0]
    boxes = cell_boxes(answers[:, 1:5], corners, strides)
    landmarks = corners[:, np.newaxis] + answers[:, 5:].reshape(-1, 5, 2) * strides[:, np.newaxis, np.newaxis]
    chosen = np.asarray(
        cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), min_score, NMS_IOU), np.intp
    ).ravel()
    return Faces(boxes, landmarks.astype(np.float32), scores).chosen(chosen)

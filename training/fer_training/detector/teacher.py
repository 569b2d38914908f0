"""A trained detector as a teacher (Hinton et al. 2015, arXiv 1503.02531): what it answers on the canvas is learned.

The labels were found in large pictures in colour; the canvas is small, gray and often spoilt. Where the teacher still
sees a face there, its score, box and landmarks hold for what the canvas shows; where it no longer does, only sure faces
of some size are learned by their labels, and of all others what it says.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_client.errors import InputError
from fer_client.faces.boxes import iou_matrix
from fer_training.detector.pictures import SURE, Faces
from fer_training.detector.targets import (
    BOX,
    HAS_LANDMARKS,
    IS_FACE,
    LANDMARKS,
    SCORE,
    STRIDES,
    WEIGHT,
    cell_boxes,
    cell_places,
    cell_targets,
)

_SEEN = 0.5
"""Score from which the teacher counts as seeing a face."""

_LEAST_SCORE = 0.3
"""Of cells with a lower score, the box is not learned."""

_SAME_IOU = 0.4
_UNSEEN_SIDE = 12.0
"""Pixels from which a face that the teacher does not see is learned by its label alone."""


class Teacher:
    """A detector in the form of OpenCV's `FaceDetectorYN`, colour in: YuNet.

    Raises InputError where the file is none.
    """

    def __init__(self, weights: Path) -> None:
        # Else it prints lines before our sentence.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        self._names = [f"{name}_{stride}" for name in ("cls", "obj", "bbox", "kps") for stride in STRIDES]
        try:
            self._net = cv2.dnn.readNetFromONNX(str(weights))
            self.answers(np.zeros((STRIDES[-1], STRIDES[-1]), np.uint8))
        except cv2.error as error:
            raise InputError(
                f"Expected YuNet's weights at {weights}, but OpenCV cannot use the file as such. "
                "Name face_detection_yunet_2023mar.onnx."
            ) from error

    def answers(self, luma: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Score in [0, 1], box and landmarks of each cell, float32 [P, 15], the last two as targets hold them.

        `luma` is uint8 [H, W], both multiples of the largest stride.
        """
        self._net.setInput(cv2.dnn.blobFromImage(cv2.cvtColor(luma, cv2.COLOR_GRAY2BGR)))
        outputs = [np.asarray(output, np.float32) for output in self._net.forward(self._names)]
        classes, objects, boxes, landmarks = (
            np.concatenate([output.reshape(-1, output.shape[-1]) for output in outputs[first : first + 3]])
            for first in range(0, 12, 3)
        )
        scores = np.sqrt(classes.clip(0, 1) * objects.clip(0, 1))
        return np.concatenate([scores, boxes, landmarks], axis=1)


def taught_targets(faces: Faces, answers: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Targets of all cells of a square canvas as in `cell_targets`, of its faces and of the teacher's answers [P, 15].

    What the teacher sees where no label has a face is left out: it invents some, and the labels lack some. IS_FACE and
    HAS_LANDMARKS are its score where it is the one that is followed.
    """
    scores = answers[:, 0]
    told = np.flatnonzero(scores >= _LEAST_SCORE)
    corners, strides = cell_places(side, side)
    boxes = cell_boxes(answers[told, 1:5], corners[told], strides[told])
    is_same = iou_matrix(boxes, faces.boxes) >= _SAME_IOU
    is_seen = is_same[scores[told] >= _SEEN].any(axis=0)
    is_small = np.sqrt(faces.boxes[:, 2:].prod(axis=1)) < _UNSEEN_SIDE
    is_labelled = ~is_seen & ~is_small & (faces.scores >= SURE)
    targets = cell_targets(faces.chosen(is_labelled), side)
    free = targets[:, IS_FACE] == 0
    targets[free, SCORE] = scores[free]
    strange = told[~is_same.any(axis=1)]
    targets[strange, WEIGHT] *= targets[strange, IS_FACE]
    known = told[is_same[:, ~is_labelled].any(axis=1)]
    targets[known, SCORE] = targets[known, IS_FACE] = targets[known, HAS_LANDMARKS] = scores[known]
    targets[known, WEIGHT] = 1
    targets[known, BOX], targets[known, LANDMARKS] = answers[known, 1:5], answers[known, 5:]
    return targets

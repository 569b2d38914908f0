"""Faces without their surroundings, FER2013's, as pictures to set into others: a teacher finds box and landmarks."""

from collections.abc import Iterator

import cv2
import numpy as np

from fer_training.data.dataset import Dataset
from fer_training.detector.decoding import decoded
from fer_training.detector.pictures import SURE, Faces, Picture
from fer_training.detector.teacher import Teacher

_SIDE, _EDGE = 144, 24
"""The teacher looks at the face enlarged to _SIDE pixels, with _EDGE pixels of its outermost ones repeated around."""


def crop_pictures(dataset: Dataset, teacher: Teacher) -> Iterator[Picture]:
    """Yield the training images in which the teacher is sure of one face, with that face."""
    for number in dataset.rows("Training"):
        luma = np.asarray(dataset.images[number])
        enlarged = cv2.resize(luma, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
        padded = np.asarray(np.pad(enlarged, _EDGE, "edge"), np.uint8)
        found = decoded(teacher.answers(padded), padded.shape, SURE)
        if len(found.scores) == 1:
            factor = np.float32(len(luma) / _SIDE)
            boxes = (found.boxes - np.array([_EDGE, _EDGE, 0, 0], np.float32)) * factor
            landmarks = (found.landmarks - np.float32(_EDGE)) * factor
            yield Picture(luma, Faces(boxes, landmarks, found.scores), is_validation=False)

"""A network's answer for photographs or for crops of faces; faces are found and cut out as the client does."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_client.cropping import crop_faces
from fer_client.detection import FrameDetector, choose_detector
from fer_client.pictures import picture_frame, read_picture
from fer_client.settings import Settings
from fer_training.learner import predict_logits
from fer_training.metrics import softmax
from fer_training.preparation import SIDE, to_side
from fer_training.record import load_network, load_record

MIN_SCORE = 0.6
_CROP_SHAPE = (2 * SIDE, 2 * SIDE, 1)
"""The client's crops, which the server halves."""


@dataclass(frozen=True)
class Answer:
    """One face: its picture, its box in pixels (None for the whole picture), and the calibrated probabilities."""

    image: str
    box_xywh: tuple[int, int, int, int] | None
    probabilities: dict[str, float]

    @property
    def expression(self) -> str:
        """The class with the highest probability."""
        return max(self.probabilities, key=self.probabilities.__getitem__)


def predict(paths: Sequence[Path], weights: Path, whole: bool = False) -> list[Answer]:
    """Answer for each face found, or for each whole picture if `whole`; a picture without a face gives no answer.

    Raises InputError where a picture or the weights cannot be read.
    """
    record = load_record(weights)
    network = load_network(weights)
    faces = [face for path in paths for face in _faces(path, whole)]
    if not faces:
        return []
    crops = np.stack([crop for _, _, crop in faces])
    probabilities = softmax(predict_logits(network, crops), record["temperature"]).round(4)
    return [
        Answer(str(path), box, dict(zip(record["labels"], row.tolist(), strict=True)))
        for (path, box, _), row in zip(faces, probabilities, strict=True)
    ]


Face = tuple[Path, tuple[int, int, int, int] | None, NDArray[np.uint8]]


def _faces(path: Path, whole: bool) -> list[Face]:
    frame = picture_frame(0, 0.0, read_picture(path))
    if whole:
        return [(path, None, to_side(frame.luma))]
    detector = FrameDetector(choose_detector("auto", None, MIN_SCORE), Settings.photo_side, Settings.min_face)
    found = detector.detect(frame)
    crops = crop_faces(frame, found.boxes_xywh, found.landmarks_xy, _CROP_SHAPE)[..., 0]
    boxes = np.rint(found.boxes_xywh).astype(int).tolist()
    return [(path, tuple(box), to_side(crop)) for box, crop in zip(boxes, crops, strict=True)]

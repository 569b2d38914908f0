"""A network's answer for photographs or for crops of faces; faces are found and cut out as the client does."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fer_client.errors import InputError
from fer_client.faces.alignment import crop_faces
from fer_client.faces.detection import DetectorChoice, FrameDetector
from fer_client.media.frame import Frame
from fer_client.media.images import picture_frame, read_picture
from fer_client.settings import Settings
from fer_training.data.preparation import SIDE, to_side
from fer_training.evaluation.metrics import softmax
from fer_training.models.prediction import predict_logits
from fer_training.models.record import load_network, load_record

Box: TypeAlias = tuple[int, int, int, int] | None
"""Left, top, width and height in pixels of the picture; None for the whole of it."""

_CROP_SHAPE = (2 * SIDE, 2 * SIDE, 1)
"""The client's crops, which the server halves."""


@dataclass(frozen=True)
class Face:
    """One face: where it is, and the calibrated probabilities."""

    box_xywh: Box
    probabilities: dict[str, float]

    @property
    def expression(self) -> str:
        """The class with the highest probability."""
        return max(self.probabilities, key=self.probabilities.__getitem__)


@dataclass(frozen=True)
class Answer:
    """One picture and the faces found in it, which may be none."""

    image: str
    faces: tuple[Face, ...]

    def as_record(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "image": self.image,
            "faces": [{"expression": face.expression} | asdict(face) for face in self.faces],
        }


def predict(
    paths: Sequence[Path], weights: Path, choice: DetectorChoice | None
) -> tuple[list[Answer], list[InputError]]:
    """Answer for the faces in each picture; without a detector, each whole picture is one face.

    Returns beside the answers what is wrong with the pictures that cannot be read. Raises InputError where the
    weights cannot be.
    """
    record, network = load_record(weights), load_network(weights)
    detector = None if choice is None else FrameDetector(choice, Settings.photo_side, Settings.min_face)
    cut_out, failures = [], []
    for path in paths:
        try:
            cut_out.append((path, *_cut_out(picture_frame(0, 0.0, read_picture(path)), detector)))
        except InputError as error:
            failures.append(error)
    crops = [crop for _, _, found in cut_out for crop in found]
    logits = predict_logits(network, np.stack(crops)) if crops else np.zeros((0, len(record["labels"])))
    shares = iter(softmax(logits, record["temperature"]).round(4).tolist())
    answers = [
        Answer(
            str(path),
            tuple(Face(box, dict(zip(record["labels"], next(shares), strict=True))) for box in boxes),
        )
        for path, boxes, _ in cut_out
    ]
    return answers, failures


def _cut_out(frame: Frame, detector: FrameDetector | None) -> tuple[list[Box], list[NDArray[np.uint8]]]:
    """Boxes of the faces, and their crops uint8 [48, 48]."""
    if detector is None:
        return [None], [to_side(frame.luma)]
    found = detector.detect(frame)
    crops = crop_faces(frame, found.boxes_xywh, found.landmarks_xy, _CROP_SHAPE)[..., 0]
    boxes = np.rint(found.boxes_xywh).astype(int).tolist()
    return [tuple(box) for box in boxes], [to_side(crop) for crop in crops]

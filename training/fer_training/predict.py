"""A network's answer for photographs or for crops of faces."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_client.detection import choose_detector
from fer_client.errors import InputError
from fer_training.learner import predict_logits
from fer_training.metrics import softmax
from fer_training.preparation import read_luma, to_side
from fer_training.record import load_network, load_record

MIN_SCORE = 0.6


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
    luma = read_luma(path)
    if luma is None:
        raise InputError(
            f"Expected a picture at {path}, but it cannot be read as one. Give a JPEG or PNG file."
        )
    if whole:
        return [(path, None, to_side(luma))]
    detector = choose_detector("auto", None, MIN_SCORE).make()
    found = detector.detect(np.repeat(luma[..., np.newaxis], 3, axis=2))
    return [(path, box, to_side(_cut(luma, box))) for box in map(_square, found.boxes_xywh)]


def _square(box_xywh: NDArray[np.float32]) -> tuple[int, int, int, int]:
    """Widen the box to a square about its centre, as the client does with the faces of a video."""
    x, y, width, height = (float(value) for value in box_xywh)
    side = max(1, round(max(width, height)))
    return round(x + (width - side) / 2), round(y + (height - side) / 2), side, side


def _cut(luma: NDArray[np.uint8], box_xywh: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """Cut the square; beyond the picture's edge, the edge's pixels repeat."""
    left, top, width, height = box_xywh
    rows = np.arange(top, top + height).clip(0, luma.shape[0] - 1)
    columns = np.arange(left, left + width).clip(0, luma.shape[1] - 1)
    return luma[np.ix_(rows, columns)]

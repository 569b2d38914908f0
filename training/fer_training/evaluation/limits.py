"""How far a network can be trusted: its accuracy on pictures that are made worse, one thing at a time.

Each change is what a camera or a person does: a face far away, a tilted head, darkness, noise, compression, motion,
something before the eyes or the mouth. PublicTest serves, so that PrivateTest stays for the final word.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_training.data.dataset import Dataset, rows_of
from fer_training.evaluation.metrics import accuracy, expected_calibration_error, softmax
from fer_training.evaluation.voters import summarise_voters
from fer_training.models.prediction import predict_logits
from fer_training.models.record import is_trained_on, load_network, load_record_for, save_record

Image = NDArray[np.uint8]


def smaller(image: Image, side: int) -> Image:
    """Shrink to `side` pixels and enlarge again, as a face far from the camera comes."""
    return resized(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), image.shape[0])


def resized(image: Any, side: int) -> Image:
    """Enlarge as the client does."""
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)


def tilted(image: Image, angle_deg: float) -> Image:
    """Turn about the middle; the edge is repeated."""
    side = image.shape[0]
    matrix = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), angle_deg, 1.0)
    return np.asarray(cv2.warpAffine(image, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def darker(image: Image, share: float) -> Image:
    """Keep a share of the light, in whole steps."""
    return np.asarray(np.rint(image * share), np.uint8)


def noisy(image: Image, deviation: float) -> Image:
    """Add Gaussian noise of a standard deviation out of 255; the same for every picture."""
    noise = np.random.default_rng(0).normal(0, deviation, image.shape)
    return np.asarray(np.clip(np.rint(image + noise), 0, 255), np.uint8)


def compressed(image: Image, quality: int) -> Image:
    """Go through JPEG at a quality out of 100."""
    _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)


def smeared(image: Image, pixels: int) -> Image:
    """Average along a line, as a head that moves while the shutter is open."""
    return np.asarray(cv2.blur(image, (pixels, 1)), np.uint8)


def covered(image: Image, rows: slice) -> Image:
    """Paint rows in the picture's mean grey, as sunglasses or a mask would."""
    hidden = image.copy()
    hidden[rows] = int(image.mean())
    return hidden


LIMITS: dict[str, Callable[[Image], Image]] = {
    "as they are": lambda image: image,
    "32 pixels": lambda image: smaller(image, 32),
    "24 pixels": lambda image: smaller(image, 24),
    "16 pixels": lambda image: smaller(image, 16),
    "12 pixels": lambda image: smaller(image, 12),
    "tilted by 15°": lambda image: tilted(image, 15),
    "tilted by 30°": lambda image: tilted(image, 30),
    "tilted by 45°": lambda image: tilted(image, 45),
    "a quarter of the light": lambda image: darker(image, 0.25),
    "a tenth of the light": lambda image: darker(image, 0.1),
    "noise of 10 of 255": lambda image: noisy(image, 10),
    "noise of 25 of 255": lambda image: noisy(image, 25),
    "JPEG at quality 30": lambda image: compressed(image, 30),
    "JPEG at quality 10": lambda image: compressed(image, 10),
    "smeared over 5 pixels": lambda image: smeared(image, 5),
    "eyes covered": lambda image: covered(image, slice(12, 24)),
    "mouth covered": lambda image: covered(image, slice(31, 48)),
}
"""What is done to each 48x48 picture, by the name that the model card shows."""


def measure_limits(weights: Path, dataset: Dataset) -> dict[str, dict[str, float]]:
    """Accuracy and calibration error on PublicTest under each of LIMITS; by the voters too, where the data has votes.

    The record beside the weights keeps them if the weights were trained on this data. Raises InputError when the
    weights have other classes than the data, or PublicTest is empty.
    """
    record, network = load_record_for(weights, dataset), load_network(weights)
    rows = rows_of(dataset, "PublicTest")
    images, labels = dataset.images[rows], np.asarray(dataset.labels[rows], np.int64)
    measured = {}
    for name, change in LIMITS.items():
        logits = predict_logits(network, np.stack([change(image) for image in images]))
        probabilities = softmax(logits, record["temperature"])
        measured[name] = {
            "accuracy": round(accuracy(probabilities, labels), 4),
            "ece": round(expected_calibration_error(probabilities, labels), 4),
        } | _by_voters(probabilities, dataset, rows)
    if is_trained_on(record, dataset):
        record["limits"] = measured
        save_record(weights, record)
    return measured


def _by_voters(
    probabilities: NDArray[np.float64], dataset: Dataset, rows: NDArray[np.intp]
) -> dict[str, float]:
    if dataset.votes is None:
        return {}
    figures = summarise_voters(probabilities, np.asarray(dataset.votes[rows]), dataset.label_names) or {}
    names = {"majority_accuracy": "majority_accuracy", "ece": "voters_ece"}
    return {name: figures[figure] for figure, name in names.items() if figures.get(figure) is not None}

"""Figures of a classifier, in NumPy alone.

`probabilities` is float [N, K], rows summing to 1; `labels` is int [N].
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_client.contract import FOUR_CATEGORIES, four_category_columns

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]


def softmax(logits: Floats, temperature: float = 1.0) -> NDArray[np.float64]:
    """Probabilities [N, K] from logits [N, K] divided by the temperature."""
    scaled = np.asarray(logits, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def accuracy(probabilities: Floats, labels: Ints) -> float:
    """Share of images whose highest class is the label."""
    return float(np.mean(probabilities.argmax(axis=1) == labels))


def four_category_accuracy(probabilities: Floats, labels: Ints, names: Sequence[str]) -> float | None:
    """Accuracy over the original system's categories: the argmax over their columns, on their images alone.

    None where the network lacks one of the categories, or no image has one of them.
    """
    if not set(FOUR_CATEGORIES) <= set(names):
        return None
    columns = np.array(four_category_columns(names))
    rows = np.isin(labels, columns)
    if not rows.any():
        return None
    return float(np.mean(columns[probabilities[rows][:, columns].argmax(axis=1)] == labels[rows]))


def confusion_matrix(probabilities: Floats, labels: Ints) -> NDArray[np.int64]:
    """Counts [K, K]: row is the label, column the answer."""
    classes = probabilities.shape[1]
    cells = labels.astype(np.int64) * classes + probabilities.argmax(axis=1)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def precision_recall_f1(matrix: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Per class [K] from a confusion matrix; 0 where a class is never answered or never there."""
    right = np.diag(matrix).astype(np.float64)
    precision = right / np.maximum(matrix.sum(axis=0), 1)
    recall = right / np.maximum(matrix.sum(axis=1), 1)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return precision, recall, f1


def negative_log_likelihood(probabilities: Floats, labels: Ints) -> float:
    """Mean of minus the natural logarithm of the label's probability."""
    chosen = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, 1e-12)).mean())


def reliability(probabilities: Floats, labels: Ints, bins: int = 15) -> NDArray[np.float64]:
    """Rows [bins, 3] of equal-width confidence bins: share of images, mean confidence, accuracy (0 when empty)."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    index = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(index, minlength=bins)
    sums = [np.bincount(index, weights=values, minlength=bins) for values in (confidence, correct)]
    return np.column_stack([count / len(labels), *(total / np.maximum(count, 1) for total in sums)])


def expected_calibration_error(probabilities: Floats, labels: Ints, bins: int = 15) -> float:
    """Mean distance of confidence and accuracy over the bins, weighed by their images (Guo et al. 2017)."""
    share, confidence, correct = reliability(probabilities, labels, bins).T
    return float((share * np.abs(confidence - correct)).sum())


def fit_temperature(logits: Floats, labels: Ints) -> float:
    """Find the temperature in [0.05, 20] with the least negative log likelihood, to 1e-4.

    Golden-section search on its logarithm; the likelihood has one minimum in it (Guo et al. 2017).
    """
    ratio = (np.sqrt(5) - 1) / 2
    low, high = np.log(0.05), np.log(20.0)

    def loss(position: float) -> float:
        return negative_log_likelihood(softmax(logits, float(np.exp(position))), labels)

    while high - low > 1e-5:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return round(float(np.exp((low + high) / 2)), 4)


def summarise(probabilities: Floats, labels: Ints, names: Sequence[str]) -> dict[str, Any]:
    """All figures of one split as plain values, rounded to four digits."""
    matrix = confusion_matrix(probabilities, labels)
    precision, recall, f1 = precision_recall_f1(matrix)
    four = four_category_accuracy(probabilities, labels, names)
    return {
        "images": len(labels),
        "accuracy": round(accuracy(probabilities, labels), 4),
        "four_category_accuracy": None if four is None else round(four, 4),
        "macro_f1": round(float(f1.mean()), 4),
        "nll": round(negative_log_likelihood(probabilities, labels), 4),
        "ece": round(expected_calibration_error(probabilities, labels), 4),
        "precision": dict(zip(names, precision.round(4).tolist(), strict=True)),
        "recall": dict(zip(names, recall.round(4).tolist(), strict=True)),
        "confusion": matrix.tolist(),
    }

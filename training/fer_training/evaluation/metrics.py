"""Figures of a classifier, in NumPy alone.

`probabilities` is float [N, K], rows summing to 1; `labels` is int [N]. `targets` are labels, or float [N, K]: the
shares of the voters that chose each class, rows summing to 1.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_client.contract import FOUR_CATEGORIES, four_category_columns

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Targets = NDArray[Any]

TEMPERATURES = (0.05, 20.0)
"""Range in which a temperature is looked for."""


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


def cross_entropy(probabilities: Floats, shares: Floats) -> float:
    """Mean of minus the natural logarithm of a voter's answer's probability, over voters and images."""
    return float(-(shares * np.log(np.maximum(probabilities, 1e-12))).sum(axis=1).mean())


def reliability(probabilities: Floats, targets: Targets, bins: int = 15) -> NDArray[np.float64]:
    """Rows [bins, 3] of equal-width confidence bins: share of images, mean confidence, accuracy (0 when empty).

    Against shares, the accuracy is the mean share of the voters that chose the highest class: how often one voter
    drawn at random agrees.
    """
    confidence, answers = probabilities.max(axis=1), probabilities.argmax(axis=1)
    correct = answers == targets if targets.ndim == 1 else targets[np.arange(len(targets)), answers]
    index = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(index, minlength=bins)
    sums = [np.bincount(index, weights=values, minlength=bins) for values in (confidence, correct)]
    return np.column_stack([count / len(targets), *(total / np.maximum(count, 1) for total in sums)])


def expected_calibration_error(probabilities: Floats, targets: Targets, bins: int = 15) -> float:
    """Mean distance of confidence and accuracy over the bins, weighed by their images (Guo et al. 2017)."""
    share, confidence, correct = reliability(probabilities, targets, bins).T
    return float((share * np.abs(confidence - correct)).sum())


def fit_temperature(logits: Floats, targets: Targets) -> float | None:
    """Find the temperature in TEMPERATURES with the least cross-entropy, to 1e-4; None where an end is as good.

    Golden-section search on its logarithm; the cross-entropy has one minimum in it (Guo et al. 2017). It has none
    between the ends where no answer is wrong, or where they are no better than equal probabilities.
    """
    ratio = (np.sqrt(5) - 1) / 2
    ends = low, high = np.log(TEMPERATURES[0]), np.log(TEMPERATURES[1])

    def loss(position: float) -> float:
        probabilities = softmax(logits, float(np.exp(position)))
        if targets.ndim == 1:
            return negative_log_likelihood(probabilities, targets)
        return cross_entropy(probabilities, targets)

    while high - low > 1e-5:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    found = (low + high) / 2
    return None if min(map(loss, ends)) <= loss(found) + 1e-6 else round(float(np.exp(found)), 4)


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

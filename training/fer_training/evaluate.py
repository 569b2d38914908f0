"""Judge trained weights on a split that they did not learn from, and keep the figures in their record.

The record keeps figures of the data that the network was trained with alone: a temperature that was fitted on other
pictures would be exported with the weights.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_client.errors import InputError
from fer_training.dataset import Dataset, seen_in_training
from fer_training.figures import draw_confusion, draw_reliability
from fer_training.learner import predict_logits, rows_of
from fer_training.metrics import (
    confusion_matrix,
    expected_calibration_error,
    fit_temperature,
    reliability,
    softmax,
    summarise,
)
from fer_training.record import is_trained_on, load_network, load_record_for, save_record


@dataclass(frozen=True)
class Judged:
    """A network's logits [N, K] on the images of one split, their labels [N], and which are copies of Training."""

    split: str
    logits: NDArray[np.float32]
    labels: NDArray[np.int64]
    copies: NDArray[np.bool_]


def evaluate(weights: Path, dataset: Dataset, split: str, figures: Path | None = None) -> dict[str, Any]:
    """Measure one split, and write the figures into the record beside the weights if they were trained on this data.

    Then, on PublicTest, the temperature is fitted first and kept in the record; PrivateTest, and any split of other
    data, only use it. With `figures`, the confusion matrix and the reliability diagram are drawn into that folder.
    Raises InputError when the weights have other classes than the data, or PrivateTest comes before PublicTest.
    """
    record = load_record_for(weights, dataset)
    is_own = is_trained_on(record, dataset)
    if is_own and split == "PrivateTest" and "ece" not in record["metrics"].get("PublicTest", {}):
        raise InputError(
            f"Expected weights that were evaluated on PublicTest, where the temperature is fitted, but {weights} "
            "were not. Run the command with --split PublicTest first."
        )
    judged = _judge(weights, dataset, split)
    if is_own and split == "PublicTest":
        record["temperature"] = fit_temperature(judged.logits, judged.labels)
    result = measure(judged, record["temperature"], record["labels"])
    if is_own:
        record["metrics"][split] = result
        save_record(weights, record)
    if figures is not None:
        _draw(figures, weights.stem, judged, record)
    return result


def measure(judged: Judged, temperature: float, names: list[str]) -> dict[str, Any]:
    """All figures of a split, and the main ones without the images that also stand in Training.

    The latter are None where every image is a copy.
    """
    probabilities = softmax(judged.logits, temperature)
    result = summarise(probabilities, judged.labels, names)
    result["ece_before_temperature"] = round(
        expected_calibration_error(softmax(judged.logits), judged.labels), 4
    )
    alone = ~judged.copies
    without = summarise(probabilities[alone], judged.labels[alone], names) if alone.any() else {"images": 0}
    kept = ("images", "accuracy", "four_category_accuracy", "macro_f1", "ece")
    result["without_copies_of_training"] = {name: without.get(name) for name in kept}
    return result


def _judge(weights: Path, dataset: Dataset, split: str) -> Judged:
    rows = rows_of(dataset, split)
    logits = predict_logits(load_network(weights), dataset.images[rows])
    return Judged(split, logits, np.asarray(dataset.labels[rows], np.int64), seen_in_training(dataset)[rows])


def _draw(folder: Path, stem: str, judged: Judged, record: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    before, after = softmax(judged.logits), softmax(judged.logits, record["temperature"])
    title = f"{record['architecture']} on {judged.split}"
    prefix = f"{stem}-{judged.split}"
    matrix = confusion_matrix(after, judged.labels)
    draw_confusion(folder / f"{prefix}-confusion.png", matrix, record["labels"], f"{title}, % of each label")
    curves = {
        "before temperature scaling": reliability(before, judged.labels),
        "after": reliability(after, judged.labels),
    }
    draw_reliability(folder / f"{prefix}-reliability.png", curves, title)

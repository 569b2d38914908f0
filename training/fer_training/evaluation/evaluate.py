"""Judge trained weights on a split that they did not learn from, and keep the figures in their record.

The record keeps figures of the data that the network was trained with alone: a temperature that was fitted on other
pictures would be exported with the weights.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_client.cli.console import notify
from fer_client.errors import InputError
from fer_training.data.dataset import Dataset, rows_of, seen_in_training
from fer_training.evaluation.figures import draw_confusion, draw_reliability
from fer_training.evaluation.metrics import (
    TEMPERATURES,
    confusion_matrix,
    expected_calibration_error,
    fit_temperature,
    reliability,
    softmax,
    summarise,
)
from fer_training.evaluation.voters import majority_figures, summarise_voters, voted
from fer_training.models.prediction import predict_logits
from fer_training.models.record import (
    is_trained_on,
    learned_votes_alone,
    load_network,
    load_record_for,
    save_record,
)


@dataclass(frozen=True)
class Judged:
    """A network's logits [N, K] on the images of one split, their labels [N], and which are copies of Training.

    `votes` are uint8 [N, 10], None where the data has none.
    """

    split: str
    logits: NDArray[np.float32]
    labels: NDArray[np.int64]
    copies: NDArray[np.bool_]
    votes: NDArray[np.uint8] | None = None


def evaluate(weights: Path, dataset: Dataset, split: str, figures: Path | None = None) -> dict[str, Any]:
    """Measure one split, and write the figures into the record beside the weights if they were trained on this data.

    Then, on PublicTest, the temperature is fitted first and kept in the record; PrivateTest, and any split of other
    data, only use it. With `figures`, the confusion matrix and the reliability diagrams are drawn into that folder.
    Raises InputError when the weights have other classes than the data, or PrivateTest comes before PublicTest.
    """
    record = load_record_for(weights, dataset)
    is_own = is_trained_on(record, dataset)
    if is_own and split == "PrivateTest" and "ece" not in record["metrics"].get("PublicTest", {}):
        raise InputError(
            f"Expected weights that were evaluated on PublicTest, where the temperature is fitted, but {weights} "
            "were not. Run the command with --split PublicTest first."
        )
    judged = judge(load_network(weights), dataset, split)
    if is_own and split == "PublicTest":
        record |= _temperature(judged, record)
    result = measure(judged, record["temperature"], record["labels"])
    if is_own:
        record["metrics"][split] = result
        save_record(weights, record)
    if figures is not None:
        _draw(figures, weights.stem, judged, record)
    return result


def _temperature(judged: Judged, record: dict[str, Any]) -> dict[str, Any]:
    """Fit the temperature on the voters' shares if they alone were the target, on the labels else.

    Where none fits, it stays 1 and the user is told.
    """
    source, rows = "labels", np.zeros(0, bool)
    if judged.votes is not None and learned_votes_alone(record):
        rows, shares = voted(judged.votes, record["labels"])
    if rows.any():
        source, fitted = "votes", fit_temperature(judged.logits[rows], shares)
    else:
        fitted = fit_temperature(judged.logits, judged.labels)
    if fitted is None:
        low, high = TEMPERATURES
        notify(
            f"Note: the temperature stays 1, since none between {low:g} and {high:g} fits the {source} of "
            f"{judged.split}: the answers are all right, or no better than chance. Train on more or longer."
        )
    return {"temperature": fitted or 1.0, "temperature_fitted_on": source if fitted else None}


def measure(judged: Judged, temperature: float, names: list[str]) -> dict[str, Any]:
    """All figures of a split, and the main ones without the images that also stand in Training.

    The latter are None where every image is a copy. With votes, `voters` holds the figures by what people voted.
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
    if judged.votes is not None and (voters := _voters(judged, probabilities, names)):
        result["voters"] = voters
    return result


def _voters(judged: Judged, probabilities: NDArray[np.float64], names: list[str]) -> dict[str, Any] | None:
    votes, alone = np.asarray(judged.votes), ~judged.copies
    result = summarise_voters(probabilities, votes, names)
    if result is not None:
        rows, shares = voted(votes, names)
        before = expected_calibration_error(softmax(judged.logits[rows]), shares)
        result["ece_before_temperature"] = round(before, 4)
        without = summarise_voters(probabilities[alone], votes[alone], names)
        result["without_copies_of_training"] = without or _majorities_of_none(names)
    return result


def _majorities_of_none(names: list[str]) -> dict[str, Any]:
    return {"images": 0, **majority_figures(np.zeros((0, len(names))), np.zeros((0, 10), np.uint8), names)}


def judge(network: Any, dataset: Dataset, split: str) -> Judged:
    """Let a Keras network that gives logits answer for a split; InputError where that is empty."""
    rows = rows_of(dataset, split)
    logits = predict_logits(network, dataset.images[rows])
    labels, votes = np.asarray(dataset.labels[rows], np.int64), dataset.votes
    copies = seen_in_training(dataset)[rows]
    return Judged(split, logits, labels, copies, None if votes is None else np.asarray(votes[rows]))


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
    if judged.votes is None:
        return
    rows, shares = voted(judged.votes, record["labels"])
    if rows.any():
        curves = {
            "before temperature scaling": reliability(before[rows], shares),
            "after": reliability(after[rows], shares),
        }
        path = folder / f"{prefix}-reliability-voters.png"
        draw_reliability(path, curves, title, "voters who chose the answer")

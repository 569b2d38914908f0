"""Judge what a network says of valence and arousal, beside the product of probabilities and coordinates."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_client.errors import InputError
from fer_training.data.circumplex import COORDINATES, affect_targets, coordinates, target_source
from fer_training.data.dataset import Dataset, majority_classes, seen_in_training
from fer_training.evaluation.affect_figures import draw_circumplex, draw_scatter
from fer_training.evaluation.affect_metrics import DIMENSIONS, summarise_affect
from fer_training.evaluation.metrics import softmax
from fer_training.models.affect import FEATURES, PICTURES, PRODUCT, Trunk, require_trunk
from fer_training.models.prediction import predict_logits
from fer_training.models.record import is_trained_on, load_network, load_record, save_record
from fer_training.recipes import VALENCE_AROUSAL

Affect = NDArray[np.float32]
"""Valence and arousal [N, 2] in [-1, 1]."""


def evaluate_affect(
    weights: Path, dataset: Dataset, split: str, trunk: Trunk | None = None, figures: Path | None = None
) -> dict[str, Any]:
    """Measure one split, and write the figures into the record beside the weights if they were made on this data.

    Where there is a trunk whose labels have coordinates, `product` holds the figures of its probabilities times these,
    and `beats_product` whether the network is better.
    With `figures`, both dimensions and the circumplex are drawn into that folder. Raises InputError where the data
    has no valence and arousal, or PrivateTest comes before PublicTest.
    """
    record, network = load_record(weights, VALENCE_AROUSAL), load_network(weights)
    require_trunk(weights, record, trunk)
    is_own = is_trained_on(record, dataset)
    if is_own and split == "PrivateTest" and "ccc" not in record["metrics"].get("PublicTest", {}):
        raise InputError(
            f"Expected weights that were evaluated on PublicTest, by which choices are made, but {weights} were not. "
            "Run the command with --split PublicTest first."
        )
    rows, targets = affect_targets(dataset, split)
    given = _answers(network, record["reads"], dataset.images[rows], trunk)
    alone = ~seen_in_training(dataset)[rows]
    result = measure_affect(given[record["reads"]], targets, alone) | {"targets_from": target_source(dataset)}
    if PRODUCT in given and record["architecture"] != PRODUCT:
        result[PRODUCT] = measure_affect(given[PRODUCT], targets, alone)
        result["beats_product"] = is_better(result, result[PRODUCT])
    if is_own:
        record["metrics"][split] = result
        save_record(weights, record)
    if figures is not None:
        _draw(figures, f"{weights.stem}-{split}", given[record["reads"]], targets, dataset, rows)
    return result


def measure_affect(answers: Affect, targets: Affect, alone: NDArray[np.bool_]) -> dict[str, Any]:
    """All figures of a split, and the same without the images that also stand in Training, bool [N]."""
    result = summarise_affect(answers, targets)
    without = summarise_affect(answers[alone], targets[alone]) if alone.any() else {"images": 0}
    return result | {"without_copies_of_training": without}


def is_better(figures: dict[str, Any], others: dict[str, Any]) -> bool:
    """Whether concordance is higher and the error lower in both dimensions."""
    pairs = [(figures[name], others[name]) for name in DIMENSIONS]
    return all(
        (one["ccc"] or 0) > (other["ccc"] or 0) and one["rmse"] < other["rmse"] for one, other in pairs
    )


def product_of(logits: NDArray[np.float32], trunk: Trunk) -> Affect:
    """The expected coordinates [N, 2] under the trunk's calibrated answer to logits [N, K]."""
    return np.asarray(softmax(logits, trunk.temperature) @ coordinates(trunk.labels), np.float32)


def _answers(network: Any, reads: str, images: NDArray[np.uint8], trunk: Trunk | None) -> dict[str, Affect]:
    """Answers by what the network reads; beside them the product, where it can be told."""
    if trunk is None:
        return {reads: np.clip(predict_logits(network, images), -1, 1)}
    features, logits = trunk.answer(images)
    found = {}
    if set(trunk.labels) <= COORDINATES.keys():
        found[PRODUCT] = product_of(logits, trunk)
    if reads == PICTURES:
        return found | {reads: np.clip(predict_logits(network, images), -1, 1)}
    taken = features if reads == FEATURES else softmax(logits, trunk.temperature).astype(np.float32)
    return found | {reads: np.clip(np.asarray(network.predict(taken, verbose=0)), -1, 1)}


def _draw(
    folder: Path, stem: str, answers: Affect, targets: Affect, dataset: Dataset, rows: NDArray[np.intp]
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    draw_scatter(folder / f"{stem}-scatter.png", answers, targets, stem)
    names, classes = dataset.label_names, np.asarray(dataset.labels[rows], np.int64)
    if dataset.votes is not None:
        classes = majority_classes(np.asarray(dataset.votes[rows]), names)
    draw_circumplex(folder / f"{stem}-circumplex.png", answers, classes, names, stem)

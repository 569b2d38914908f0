"""A sheet of queries, the references that a network makes of them, and the differences."""

from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fer_client.errors import InputError, UsageError
from fer_training.data.batches import to_input
from fer_training.data.dataset import Dataset, rows_of
from fer_training.files import replacing
from fer_training.models.architectures.generative_contrastive import GENERATOR
from fer_training.models.record import load_network, load_record_for

PER_CLASS = 2
"""Queries of each class on the sheet."""

Faces = NDArray[np.float32]


def draw_references(weights: Path, dataset: Dataset, split: str, path: Path) -> None:
    """Draw some faces of each class of a split, chosen by the label alone and always the same.

    Raises UsageError for a network that makes no references, InputError where the weights have other classes than the
    data.
    """
    names = load_record_for(weights, dataset)["labels"]
    generator = _generator(weights)
    rows = _chosen(dataset, split)
    queries = to_input(dataset.images[rows])
    references = np.asarray(generator.predict_on_batch(queries), np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    _draw(path, queries[..., 0], references[..., 0], [names[label] for label in dataset.labels[rows]])


def _generator(weights: Path) -> keras.Model:
    network = load_network(weights)
    if all(layer.name != GENERATOR for layer in network.layers):
        raise UsageError(
            f"Expected a network that makes references, such as generative_contrastive; {weights} is none. "
            "Name another."
        )
    return network.get_layer(GENERATOR)


def _chosen(dataset: Dataset, split: str) -> NDArray[np.intp]:
    """Rows of a split, up to PER_CLASS of each class, in the order of the classes."""
    rows = rows_of(dataset, split)
    shuffled = np.random.default_rng(0).permutation(rows)
    labels = np.asarray(dataset.labels[shuffled])
    picked = [shuffled[labels == label][:PER_CLASS] for label in range(len(dataset.label_names))]
    if not any(len(part) for part in picked):
        raise InputError(
            f"Expected faces with a label in {split}, but there are none. Prepare the data again."
        )
    return np.concatenate(picked)


def _draw(path: Path, queries: Faces, references: Faces, titles: list[str]) -> None:
    """Draw three rows of pictures [N, H, W] in [-1, 1]; where the query is lighter, the difference is red."""
    figure = Figure(figsize=(len(queries), 3.6), layout="constrained")
    panels = figure.subplots(3, len(queries), squeeze=False)
    for row, (name, pictures) in enumerate(
        {"query": queries, "reference": references, "difference": queries - references}.items()
    ):
        colours = "RdBu_r" if name == "difference" else "gray"
        for axes, picture, title in zip(panels[row], pictures, titles, strict=True):
            axes.imshow(picture, cmap=colours, vmin=-1, vmax=1)
            axes.set(xticks=[], yticks=[])
            if not row:
                axes.set_title(title, fontsize=8)
        panels[row][0].set_ylabel(name, fontsize=8)
    with replacing(path) as beside:
        figure.savefig(beside, dpi=110)

"""Pictures of a result: who is taken for whom, and how far confidence may be trusted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fer_training.files import replacing


def draw_confusion(path: Path, matrix: NDArray[np.int64], names: Sequence[str], title: str) -> None:
    """Draw counts [K, K] as shares of each row's label."""
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(6, 5.4), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="answer", ylabel="label", title=title)
    for (row, column), share in np.ndenumerate(shares):
        colour = "white" if share > 0.5 else "black"
        axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", color=colour)
    with replacing(path) as beside:
        figure.savefig(beside, dpi=110)


def draw_reliability(
    path: Path, curves: dict[str, NDArray[np.float64]], title: str, truth: str = "accuracy"
) -> None:
    """Draw accuracy, or another truth, over confidence; each curve is an array of `metrics.reliability`, [bins, 3]."""
    figure = Figure(figsize=(5.4, 5), layout="constrained")
    axes: Any = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="exact")
    for name, bins in curves.items():
        filled = bins[bins[:, 0] > 0]
        axes.plot(filled[:, 1], filled[:, 2], marker="o", label=name)
    axes.set(xlabel="confidence", ylabel=truth, title=title, xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    with replacing(path) as beside:
        figure.savefig(beside, dpi=110)

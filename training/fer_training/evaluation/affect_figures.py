"""Pictures of valence and arousal: answers over targets, and where the answers for each expression lie."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fer_client.palette import colours
from fer_training.data.circumplex import COORDINATES
from fer_training.evaluation.affect_metrics import DIMENSIONS, summarise_affect
from fer_training.files import replacing

Affect = NDArray[np.floating[Any]]

_MOST_DOTS = 4000


def draw_scatter(path: Path, answers: Affect, targets: Affect, title: str) -> None:
    """Draw answers [N, 2] over targets [N, 2], a panel for each dimension, with their concordance and error."""
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    figures = summarise_affect(answers, targets)
    panels: Any = figure.subplots(1, 2)
    for column, (axes, name) in enumerate(zip(panels, DIMENSIONS, strict=True)):
        axes.plot([-1, 1], [-1, 1], color="grey", linestyle=":")
        dots = slice(None, None, -(-len(targets) // _MOST_DOTS))
        axes.scatter(targets[dots, column], answers[dots, column], s=5, alpha=0.25, linewidths=0)
        axes.set_xticks(np.linspace(-1, 1, 5))
        told = figures[name]
        ccc = "–" if told["ccc"] is None else f"{told['ccc']:z.3f}"
        axes.set(
            xlabel=f"{name}, target", ylabel="answer", xlim=(-1, 1), ylim=(-1, 1), aspect="equal",
            title=f"{name}: CCC {ccc}, RMSE {told['rmse']:.3f}",
        )  # fmt: skip
    figure.suptitle(title)
    with replacing(path) as beside:
        figure.savefig(beside, dpi=110)


def draw_circumplex(
    path: Path, answers: Affect, classes: NDArray[np.integer[Any]], names: Sequence[str], title: str
) -> None:
    """Draw answers [N, 2] in the plane of valence and arousal, in the colour of each image's class [N], -1 for none.

    Crosses are the coordinates of the expressions.
    """
    figure = Figure(figsize=(6.4, 6), layout="constrained")
    axes: Any = figure.subplots()
    turn = np.linspace(0, 2 * np.pi, 181)
    axes.plot(np.cos(turn), np.sin(turn), color="grey", linewidth=0.8)
    axes.axhline(0, color="grey", linewidth=0.8)
    axes.axvline(0, color="grey", linewidth=0.8)
    palette = colours(names)
    for index, name in enumerate(names):
        found = answers[classes == index]
        axes.scatter(*found.T, s=6, alpha=0.35, linewidths=0, color=palette[name])
        axes.scatter([], [], color=palette[name], label=name)
        if name in COORDINATES:
            mark = {"marker": "X", "s": 90, "edgecolors": "black", "color": palette[name], "zorder": 3}
            axes.scatter(*COORDINATES[name], **mark)
    axes.set(xlabel="valence", ylabel="arousal", xlim=(-1, 1), ylim=(-1, 1), aspect="equal", title=title)
    axes.legend(loc="lower right")
    with replacing(path) as beside:
        figure.savefig(beside, dpi=110)

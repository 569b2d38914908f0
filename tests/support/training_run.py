"""A run of seconds on drawn faces."""

import dataclasses
from pathlib import Path
from typing import Any

from fer_training.data.dataset import Dataset
from fer_training.recipes import Augmentation, Recipe

RECIPE = Recipe(
    epochs=3, batch_size=16, learning_rate=3e-3, warmup_epochs=0.5, votes_share=0.0, votes_head=0.5, ema=0.5,
    mixed_precision=False, keep="last", augmentation=Augmentation(flip=False, rotate_deg=3, erase=0.1),
)  # fmt: skip

SMALL_FIRST = dataclasses.replace(RECIPE, small_side=32, small_share=0.6, votes_head=0.0, votes_share=1.0)
"""The first two of three epochs at 32 pixels."""


def train_small(dataset: Dataset, out: Path, recipe: Recipe = RECIPE, **others: Any) -> Path:
    """Train a `basic_cnn` into the folder `out`; `others` are fields of Run, or `on_progress`."""
    from fer_training.fitting.run import Run
    from fer_training.fitting.train import train

    on_progress = others.pop("on_progress", None)
    train(Run("basic_cnn", recipe, seed=4, out=out, **others), dataset, on_progress)
    return out


def copy_network(finished: Path, folder: Path) -> Path:
    """Copy what a run has left, so that a test may change it; return the weights."""
    for name in ("network.keras", "network.json", "history.csv"):
        (folder / name).write_bytes((finished / name).read_bytes())
    return folder / "network.keras"

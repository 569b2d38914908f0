"""The learning rate of every step: a linear warm-up, then half a cosine down to zero (Loshchilov and Hutter 2017)."""

import numpy as np
from numpy.typing import NDArray

from fer_training.recipes import Recipe


def learning_rates(recipe: Recipe, steps_per_epoch: int) -> NDArray[np.float64]:
    """Learning rate of each step of the whole run, [epochs * steps_per_epoch]; a resumed run reads on from its step."""
    steps = np.arange(recipe.epochs * steps_per_epoch)
    warmup = recipe.warmup_epochs * steps_per_epoch
    rise = np.minimum((steps + 1) / max(warmup, 1), 1)
    progress = np.clip((steps - warmup) / max(len(steps) - warmup, 1), 0, 1)
    return np.asarray(recipe.learning_rate * rise * (1 + np.cos(np.pi * progress)) / 2)

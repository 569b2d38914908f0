"""One epoch's steps, and how far a run is."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from fer_client.errors import UsageError
from fer_training.data.batches import TrainingSet, epoch_batches
from fer_training.fitting.history import Epoch
from fer_training.fitting.learner import seed_dropout, train_step
from fer_training.recipes import Recipe


@dataclass(frozen=True)
class Progress:
    """Where a run stands: so many whole epochs and steps of the next are done.

    Told after every step, with the mean loss of the epoch so far, and after every epoch, with its figures.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    finished: Epoch | None


Tell = Callable[[Progress], None]


def train_epoch(
    model: keras.Model,
    data: TrainingSet,
    recipe: Recipe,
    seed: int,
    epoch: int,
    rates: NDArray[np.float64],
    tell: Tell,
) -> float:
    """Take the steps of an epoch, counted from 0, at the rates of the whole run, and return the mean loss.

    Raises UsageError when the loss is no longer a number.
    """
    steps = data.steps(recipe.batch_size)
    total = 0.0
    seed_dropout(model, seed, epoch)
    for step, batch in enumerate(epoch_batches(data, recipe, seed, epoch)):
        model.optimizer.learning_rate = rates[epoch * steps + step]
        total += train_step(model, batch)
        if not np.isfinite(total):
            raise UsageError(
                f"The loss is no longer a number in epoch {epoch + 1}. Lower the recipe's learning rate."
            )
        tell(Progress(epoch, recipe.epochs, step + 1, steps, total / (step + 1), None))
    return total / steps

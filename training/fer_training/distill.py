"""Teachers: networks whose answers a smaller one learns beside the labels (Hinton et al. 2015, arXiv 1503.02531)."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from fer_client.errors import InputError, UsageError
from fer_training.metrics import softmax
from fer_training.recipes import Recipe
from fer_training.record import load_network, load_record


class Teachers:
    """An ensemble that gives its mean probabilities for a batch of training images."""

    def __init__(self, weights: Sequence[Path], labels: Sequence[str], recipe: Recipe) -> None:
        """Open the networks; InputError when one has other labels, UsageError when recipe and teachers disagree."""
        if bool(weights) != (recipe.distillation > 0):
            raise UsageError(
                "Expected --teacher with a recipe that distils, and only with one. "
                "Choose the recipe `distil`, or leave --teacher out."
            )
        for path in weights:
            if load_record(path)["labels"] != list(labels):
                raise InputError(
                    f"Expected a teacher with the classes {', '.join(labels)}; {path} has others."
                )
        self._networks: list[keras.Model] = [load_network(path) for path in weights]
        self._recipe = recipe

    def blend(self, images: NDArray[np.float32], targets: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mix the teachers' answers for [B, 48, 48, 1] into the targets [B, K] by the recipe's share."""
        if not self._networks:
            return targets
        temperature, share = self._recipe.distillation_temperature, self._recipe.distillation
        answers = [
            softmax(np.asarray(network.predict_on_batch(images)), temperature) for network in self._networks
        ]
        return np.asarray((1 - share) * targets + share * np.mean(answers, axis=0), np.float32)

"""Teachers: networks whose answers another one learns beside the labels (Hinton et al. 2015, arXiv 1503.02531)."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_client.errors import InputError, UsageError
from fer_training.data.batches import TrainingSet
from fer_training.evaluation.metrics import softmax
from fer_training.models.prediction import predict_logits
from fer_training.models.record import load_network, load_record
from fer_training.recipes import Recipe


def with_teachers(
    data: TrainingSet, weights: Sequence[Path], labels: Sequence[str], recipe: Recipe
) -> TrainingSet:
    """Mix the teachers' answers into the targets of the labels by the recipe's share.

    They answer once for each image as it is, before any augmentation, so a step costs no more for having teachers.
    Raises InputError when one has other labels, UsageError when recipe and teachers disagree.
    """
    if bool(weights) != (recipe.distillation > 0):
        raise UsageError(
            "Expected --teacher with a recipe that distils, and only with one. "
            "Choose the recipe `distil`, or leave --teacher out."
        )
    if not weights:
        return data
    for path in weights:
        if load_record(path)["labels"] != list(labels):
            raise InputError(f"Expected a teacher with the classes {', '.join(labels)}; {path} has others.")
    answers = np.mean([_answers(path, data, recipe) for path in weights], axis=0)
    targets = data.targets.copy()
    targets[:, : data.classes] *= 1 - recipe.distillation
    targets[:, : data.classes] += recipe.distillation * answers
    return dataclasses.replace(data, targets=targets)


def _answers(path: Path, data: TrainingSet, recipe: Recipe) -> NDArray[np.float32]:
    """Probabilities [N, K] of one teacher, together with those for the mirror images where the recipe has them."""
    teacher, images = load_network(path), data.images[data.rows]
    views = (images, images[:, :, ::-1]) if recipe.augmentation.flip else (images,)
    temperature = recipe.distillation_temperature
    return np.mean([softmax(predict_logits(teacher, view), temperature) for view in views], axis=0)

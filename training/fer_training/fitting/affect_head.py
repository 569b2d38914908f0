"""Valence and arousal behind a network that tells expressions and stays as it is: a head, or the product."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from fer_client.errors import UsageError
from fer_training.data.augment import augment
from fer_training.data.circumplex import affect_targets, target_source
from fer_training.data.dataset import Dataset, voted_not_a_face
from fer_training.files import replacing
from fer_training.fitting.affect_loss import affect_loss
from fer_training.fitting.learner import optimizer
from fer_training.fitting.schedule import learning_rates
from fer_training.models.affect import (
    HEAD,
    PRODUCT,
    Trunk,
    load_trunk,
    new_affect_record,
    new_head,
    new_product,
)
from fer_training.models.leakage import check_origin
from fer_training.models.learning import averaged_weights
from fer_training.models.record import save_record
from fer_training.recipes import HeadRecipe, Recipe

_CHUNK = 2048
"""So many images are augmented at a time."""


@dataclass(frozen=True)
class HeadRun:
    """What to make: `kind` is HEAD or PRODUCT, `trunk` the weights behind which it stands, `out` its folder."""

    kind: str
    trunk: Path
    recipe: HeadRecipe
    seed: int
    out: Path


def train_head(run: HeadRun, dataset: Dataset, tell: Callable[[str], None] = lambda _: None) -> Path:
    """Train a head on the trunk's features, or write the product; return the path of `network.keras`.

    `tell` hears what is being done. Raises InputError where the data has no valence and arousal or the trunk does not
    fit, UsageError where the folder holds a network.
    """
    path = run.out / "network.keras"
    if path.exists():
        raise UsageError(f"Expected a new folder, but {run.out} holds a network. Give another --out.")
    check_origin(run.trunk, dataset, "a trunk")
    trunk, source = load_trunk(run.trunk), target_source(dataset)
    keras.utils.set_random_seed(run.seed)
    model = new_product(trunk.labels) if run.kind == PRODUCT else _trained(run, trunk, dataset, tell)
    run.out.mkdir(parents=True, exist_ok=True)
    with replacing(path) as beside:
        model.save(beside)
    record = new_affect_record(run.kind, dataset, run.recipe, run.seed, source, trunk)
    save_record(path, record | {"epochs": run.recipe.epochs if run.kind == HEAD else 0})
    return path


def _trained(run: HeadRun, trunk: Trunk, dataset: Dataset, tell: Callable[[str], None]) -> keras.Model:
    rows, targets = training_rows(dataset, run.recipe)
    copies = np.stack([*_copies(dataset.images[rows], trunk, run, tell)])
    recipe, steps = run.recipe, max(len(rows) // run.recipe.batch_size, 1)
    model = new_head(trunk, recipe)
    model.compile(optimizer(recipe), affect_loss, jit_compile=False)
    rates = learning_rates(recipe, steps)
    for epoch in range(recipe.epochs):
        losses = []
        rng = np.random.default_rng((run.seed, epoch))
        taken = rng.integers(0, len(copies), len(rows))
        for step, chosen in enumerate(_shuffled(len(rows), recipe.batch_size, rng)):
            model.optimizer.learning_rate = rates[epoch * steps + step]
            losses.append(float(model.train_on_batch(copies[taken[chosen], chosen], targets[chosen])))
        tell(f"epoch {epoch + 1}/{recipe.epochs}, loss {np.mean(losses):.4f}")
    with averaged_weights(model):
        served = keras.models.clone_model(model)
        served.set_weights(model.get_weights())
    return served


def training_rows(dataset: Dataset, recipe: Recipe) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Rows of Training with valence and arousal, [N], and these, [N, 2]; without those that voters call no face."""
    rows, targets = affect_targets(dataset, "Training")
    if not recipe.drop_not_a_face or dataset.votes is None:
        return rows, targets
    kept = ~voted_not_a_face(np.asarray(dataset.votes[rows]))
    return rows[kept], targets[kept]


def _copies(
    images: NDArray[np.uint8], trunk: Trunk, run: HeadRun, tell: Callable[[str], None]
) -> Iterator[NDArray[np.float32]]:
    """Features [N, F] of the images as they are, then of each augmented copy."""
    total = run.recipe.copies + 1
    tell(f"features of {len(images)} images, 1/{total}")
    yield trunk.answer(images)[0]
    for copy in range(run.recipe.copies):
        tell(f"features of {len(images)} images, {copy + 2}/{total}")
        rng = np.random.default_rng((run.seed, copy))
        parts = [
            trunk.answer(augment(images[first : first + _CHUNK], run.recipe.augmentation, rng))[0]
            for first in range(0, len(images), _CHUNK)
        ]
        yield np.concatenate(parts)


def _shuffled(count: int, size: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """Whole batches of one shuffle, or the only one where there are fewer images than a batch holds."""
    order = rng.permutation(count)
    for first in range(0, max(count - size + 1, 1), size):
        yield order[first : first + size]

"""Faces and their references, changed alike."""

import dataclasses
from typing import Any

import numpy as np

from fer_training.data.augment import augment_pairs
from fer_training.data.batches import make_batch, training_set
from fer_training.recipes import Augmentation, Recipe
from support.training_data import NOTHING

MOVED = Augmentation(erase=1.0, degrade=1.0)


def _faces(count: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(60, 200, (count, 48, 48)).astype(np.uint8)


def test_a_reference_moves_with_its_image_and_is_not_erased() -> None:
    """The reference is its own image here, so that both must land in the same place."""
    images = _faces(6)
    geometry = dataclasses.replace(MOVED, erase=0.0, degrade=0.0)
    changed, references = augment_pairs(images, images, MOVED, np.random.default_rng(3))
    clean, same = augment_pairs(images, images, geometry, np.random.default_rng(3))
    np.testing.assert_allclose(clean, same, atol=1e-3)
    np.testing.assert_allclose(references, same, atol=1e-3)
    assert np.abs(changed - references).max() > 20


def test_a_reference_takes_over_mean_and_contrast() -> None:
    images, dark = _faces(4), (_faces(4, seed=1) // 4).astype(np.uint8)
    changed, references = augment_pairs(images, dark, NOTHING, np.random.default_rng(0))
    np.testing.assert_allclose(changed, images, atol=1e-3)
    np.testing.assert_allclose(references.mean(axis=(1, 2)), images.mean(axis=(1, 2)), atol=1)
    np.testing.assert_allclose(references.std(axis=(1, 2)), images.std(axis=(1, 2)), rtol=0.05)


def test_a_batch_draws_one_of_the_references_and_gives_it_as_the_last_target(data: Any) -> None:
    recipe = Recipe(votes_head=0.5, augmentation=NOTHING)
    chosen = np.arange(16)
    plain = training_set(data[1], recipe)
    references = np.stack([plain.rows, plain.rows[::-1]], axis=1)
    batch = make_batch(
        dataclasses.replace(plain, references=references), chosen, recipe, np.random.default_rng(0)
    )
    assert [target.shape for target in batch.targets] == [(16, 7), (16, 10), (16, 48, 48, 1)]
    own = np.isclose(batch.targets[-1], batch.images, atol=1e-4).all(axis=(1, 2, 3))
    assert 0 < own.sum() < 16

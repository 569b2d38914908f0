"""Pictures changed at random, and targets mixed as pixels are."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from fer_client.contract import LABELS
from fer_training.data.augment import augment, mix, shrink
from fer_training.data.batches import to_input
from fer_training.recipes import Augmentation
from support.training_data import NOTHING, drawn_face


@pytest.fixture
def faces() -> Any:
    rng = np.random.default_rng(0)
    return np.stack([drawn_face(label, rng) for label in range(len(LABELS))])


def test_no_augmentation_changes_nothing(faces: Any) -> None:
    np.testing.assert_allclose(augment(faces, NOTHING, np.random.default_rng(0)), faces, atol=1e-3)


def test_flip_mirrors_about_the_middle(faces: Any) -> None:
    settings = dataclasses.replace(NOTHING, flip=True)
    many = augment(np.repeat(faces[:1], 64, axis=0), settings, np.random.default_rng(0))
    mirrored = [np.allclose(image, faces[0][:, ::-1], atol=1e-3) for image in many]
    kept = [np.allclose(image, faces[0], atol=1e-3) for image in many]
    assert all(np.logical_xor(mirrored, kept))
    assert 16 < sum(mirrored) < 48


def test_shift_moves_by_no_more_than_its_share() -> None:
    dot = np.zeros((200, 48, 48), np.uint8)
    dot[:, 24, 24] = 255
    moved = augment(dot, dataclasses.replace(NOTHING, shift=0.1), np.random.default_rng(0))
    rows, columns = np.indices((48, 48))
    for weights in (rows, columns):
        centre = (moved * weights).sum(axis=(1, 2)) / moved.sum(axis=(1, 2))
        assert np.abs(centre - 24).max() <= 4.8 + 0.05
        assert np.abs(centre - 24).max() > 3


def test_every_change_stays_in_range(faces: Any) -> None:
    changed = augment(np.repeat(faces, 20, axis=0), Augmentation(erase=1.0), np.random.default_rng(0))
    assert changed.dtype == np.float32
    assert changed.min() >= 0
    assert changed.max() <= 255
    assert to_input(changed).shape == (140, 48, 48, 1)
    assert np.abs(to_input(changed)).max() <= 1


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_mixing_shares_targets_and_weights_as_it_shares_pixels(kind: str) -> None:
    images = np.stack([np.full((48, 48), value, np.float32) for value in (0, 100)])
    targets = np.eye(2, dtype=np.float32)
    weights = np.array([1, 3], np.float32)
    settings = dataclasses.replace(NOTHING, mix_alpha=1.0, **{kind: 1.0})
    for seed in range(20):
        mixed, shares, mixed_weights = mix(images, targets, weights, settings, np.random.default_rng(seed))
        np.testing.assert_allclose(mixed.mean(axis=(1, 2)) / 100, shares[:, 1], atol=1e-5)
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
        np.testing.assert_allclose(mixed_weights, shares @ weights, atol=1e-5)


def test_shrinking_averages_pixels() -> None:
    checked = np.indices((48, 48)).sum(axis=0) % 2 * np.float32(200)
    np.testing.assert_allclose(shrink(checked[np.newaxis], 24), np.full((1, 24, 24), 100), atol=1e-3)


def test_degraded_pictures_are_made_worse_in_many_ways_and_stay_in_range() -> None:
    """One picture many times: all still show what it shows."""
    still = Augmentation(
        flip=False, rotate_deg=0, shift=0, scale=0, shear=0, contrast=0, brightness=0, erase=0, degrade=1
    )
    picture = np.add.outer(np.arange(48) ** 2 % 29, np.linspace(60, 200, 48)).astype(np.uint8)
    worse = augment(np.stack([picture] * 40), still, np.random.default_rng(0))
    assert worse.min() >= 0
    assert worse.max() <= 255
    assert len({image.tobytes() for image in worse}) > 25
    assert all(not np.array_equal(image, picture) for image in worse)
    assert all(image[:, 36:].mean() > image[:, :12].mean() for image in worse)

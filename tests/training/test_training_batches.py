"""Targets, weights, augmentation, learning rates: what a training step is fed with."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.contract import LABELS
from fer_training.data.augment import augment, mix, shrink
from fer_training.data.batches import class_weights, epoch_batches, soft_targets, to_input, training_set
from fer_training.data.dataset import VOTE_NAMES, Dataset, voted_not_a_face
from fer_training.fitting.schedule import learning_rates
from fer_training.recipes import RECIPES, Augmentation, Recipe
from support.training_data import drawn_face

NOTHING = Augmentation(
    flip=False, rotate_deg=0, shift=0, scale=0, shear=0, contrast=0, brightness=0, erase=0, mixup=0, cutmix=0
)
Make = Callable[..., tuple[Path, Dataset]]


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


def test_input_runs_from_minus_one_to_one() -> None:
    np.testing.assert_allclose(to_input(np.array([[[0, 255]]], np.uint8)).ravel(), [-1, 1])


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


def test_votes_and_smoothing_blend_into_targets_that_sum_to_one() -> None:
    recipe = Recipe(votes_share=0.5, label_smoothing=0.1)
    votes = np.array([[0.2, 0.8, 0, 0], [0, 0, 0, 0]], np.float32)
    targets = soft_targets(np.array([0, 2]), 4, votes, recipe)
    np.testing.assert_allclose(targets, 0.9 * np.array([[0.6, 0.4, 0, 0], [0, 0, 1, 0]]) + 0.025, atol=1e-6)


@pytest.mark.parametrize(("balance", "expected"), [(0.0, [1, 1, 1, 1]), (1.0, [2 / 3, 2 / 3, 2 / 3, 2])])
def test_class_weights_have_mean_one(balance: float, expected: list[float]) -> None:
    weights = class_weights(np.array([0, 0, 0, 1]), balance)
    np.testing.assert_allclose(weights, expected, rtol=1e-6)
    assert weights.mean() == pytest.approx(1)


def test_a_batch_has_the_weights_of_what_was_mixed(make_dataset: Make) -> None:
    _, dataset = make_dataset(4)
    recipe = Recipe(batch_size=8, augmentation=dataclasses.replace(NOTHING, mixup=1.0, mix_alpha=1.0))
    data = training_set(dataset, recipe)
    data = dataclasses.replace(data, weights=np.asarray(data.targets @ np.arange(7), np.float32))
    batch = next(epoch_batches(data, recipe, 0, 0))
    np.testing.assert_allclose(batch.weights, batch.targets[0] @ np.arange(7), rtol=1e-4)


def test_rows_voted_to_be_no_face_are_dropped(make_dataset: Make) -> None:
    _, dataset = make_dataset(4)
    votes = np.array(dataset.votes)
    row = dataset.rows("Training")[0]
    votes[row] = 0
    votes[row, VOTE_NAMES.index("NF")] = 10
    dataset = dataclasses.replace(dataset, votes=votes)
    assert voted_not_a_face(votes).sum() == 1
    kept = training_set(dataset, Recipe(drop_not_a_face=True))
    assert len(kept.rows) == len(training_set(dataset, Recipe(drop_not_a_face=False)).rows) - 1
    assert row not in kept.rows


def test_votes_head_adds_ten_columns_only_where_votes_exist(make_dataset: Make) -> None:
    recipe = Recipe(votes_head=1.0, batch_size=4)
    for has_votes in (True, False):
        _, dataset = make_dataset(4, votes=has_votes)
        batch = next(epoch_batches(training_set(dataset, recipe), recipe, seed=0, epoch=0))
        assert [part.shape for part in batch.targets] == [(4, 7), (4, 10)][: 1 + has_votes]
        for part in batch.targets:
            np.testing.assert_allclose(part.sum(axis=1), 1, rtol=1e-5)


def test_an_epoch_depends_on_seed_and_number_alone_and_shows_each_image_once(make_dataset: Make) -> None:
    _, dataset = make_dataset(6)
    recipe = Recipe(batch_size=6, augmentation=dataclasses.replace(NOTHING, flip=True), drop_not_a_face=False)
    data = training_set(dataset, recipe)
    first, again, later = (list(epoch_batches(data, recipe, 3, epoch)) for epoch in (1, 1, 2))
    assert len(first) == 7
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.images, other.images)
    assert not np.array_equal(first[0].images, later[0].images)
    sums = sorted(np.concatenate([batch.images.sum(axis=(1, 2, 3)) for batch in first]))
    np.testing.assert_allclose(
        sums, sorted(to_input(data.images[data.rows]).sum(axis=(1, 2, 3))), rtol=1e-3, atol=0.5
    )


def test_the_first_epochs_show_small_pictures_with_the_light_of_the_large_ones(make_dataset: Make) -> None:
    _, dataset = make_dataset(4)
    recipe = Recipe(epochs=5, batch_size=8, small_side=32, small_share=0.6, augmentation=NOTHING)
    assert [recipe.side(epoch) for epoch in range(5)] == [32, 32, 32, None, None]
    data = training_set(dataset, recipe)
    small, large = (next(epoch_batches(data, recipe, 0, epoch)) for epoch in (2, 3))
    assert (small.images.shape, large.images.shape) == ((8, 32, 32, 1), (8, 48, 48, 1))
    as_large = next(epoch_batches(data, dataclasses.replace(recipe, small_side=0), 0, 2))
    np.testing.assert_array_equal(small.targets[0], as_large.targets[0])
    light = (batch.images.mean(axis=(1, 2, 3)) for batch in (small, as_large))
    np.testing.assert_allclose(*light, atol=1e-3)


def test_shrinking_averages_pixels() -> None:
    checked = np.indices((48, 48)).sum(axis=0) % 2 * np.float32(200)
    np.testing.assert_allclose(shrink(checked[np.newaxis], 24), np.full((1, 24, 24), 100), atol=1e-3)


def test_an_error_on_the_worker_thread_reaches_the_caller(make_dataset: Make) -> None:
    _, dataset = make_dataset(4)
    recipe = Recipe(batch_size=4)
    data = dataclasses.replace(training_set(dataset, recipe), targets=np.zeros((1, 7), np.float32))
    with pytest.raises(IndexError):
        list(epoch_batches(data, recipe, 0, 0))


def test_leaving_an_epoch_early_stops_its_thread(make_dataset: Make) -> None:
    import threading

    _, dataset = make_dataset(40)
    recipe = Recipe(batch_size=4)
    batches = epoch_batches(training_set(dataset, recipe), recipe, 0, 0)
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert "fer-batches" not in {thread.name for thread in threading.enumerate()}


def test_learning_rate_rises_in_a_line_and_falls_in_a_cosine_to_zero() -> None:
    recipe = Recipe(epochs=10, warmup_epochs=2, learning_rate=0.4)
    rates = learning_rates(recipe, steps_per_epoch=50)
    assert len(rates) == 500
    np.testing.assert_allclose(rates[:100], 0.4 * np.arange(1, 101) / 100)
    assert rates[300] == pytest.approx(0.2)
    assert (np.diff(rates[100:]) <= 0).all()
    assert rates[-1] < 1e-5


def test_learning_rate_without_warmup_starts_at_the_top() -> None:
    assert learning_rates(Recipe(epochs=1, warmup_epochs=0, learning_rate=0.1), 10)[0] == pytest.approx(0.1)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_says_its_command_and_fits_json(name: str) -> None:
    import json

    recipe = RECIPES[name]
    assert recipe.name == name
    assert f"--recipe {name}" in str(type(recipe).__doc__)
    assert json.loads(json.dumps(recipe.as_record())) == recipe.as_record()
    assert 0 <= recipe.augmentation.mixup + recipe.augmentation.cutmix <= 1


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

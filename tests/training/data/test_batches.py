"""Targets, weights and batches, made a few ahead: what a training step is fed with."""

import dataclasses
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fer_training.data import batches
from fer_training.data.batches import class_weights, epoch_batches, soft_targets, to_input, training_set
from fer_training.data.dataset import VOTE_NAMES, Dataset, voted_not_a_face
from fer_training.recipes import Recipe
from support.training_data import NOTHING

Make = Callable[..., tuple[Path, Dataset]]


def test_input_runs_from_minus_one_to_one() -> None:
    np.testing.assert_allclose(to_input(np.array([[[0, 255]]], np.uint8)).ravel(), [-1, 1])


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


def test_an_error_on_the_worker_thread_reaches_the_caller(make_dataset: Make) -> None:
    _, dataset = make_dataset(4)
    recipe = Recipe(batch_size=4)
    data = dataclasses.replace(training_set(dataset, recipe), targets=np.zeros((1, 7), np.float32))
    with pytest.raises(IndexError):
        list(epoch_batches(data, recipe, 0, 0))


Make = Callable[..., tuple[Path, Dataset]]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The first row of each batch that was made so far."""
    rows: list[int] = []
    make_batch = batches.make_batch

    def noting(
        data: batches.TrainingSet,
        chosen: NDArray[np.intp],
        recipe: Recipe,
        rng: np.random.Generator,
        side: int | None,
    ) -> batches.Batch:
        rows.append(int(chosen[0]))
        return make_batch(data, chosen, recipe, rng, side)

    monkeypatch.setattr(batches, "make_batch", noting)
    return rows


def epoch(make_dataset: Make, ahead: int) -> Iterator[batches.Batch]:
    _, dataset = make_dataset(40)
    recipe = Recipe(batch_size=4)
    return batches.epoch_batches(batches.training_set(dataset, recipe), recipe, 0, 0, ahead)


def workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("fer-batches")]


def test_no_more_are_made_than_asked_for_and_a_few(make_dataset: Make, made: list[int]) -> None:
    found = epoch(make_dataset, ahead=2)
    for asked in range(1, 6):
        next(found)
        assert asked <= len(made) <= asked + 2


def test_leaving_an_epoch_ends_its_thread_and_what_waits(make_dataset: Make, made: list[int]) -> None:
    found = epoch(make_dataset, ahead=4)
    next(found)
    assert workers()
    found.close()  # type: ignore[attr-defined]
    assert not workers()
    assert len(made) <= 5


@pytest.mark.parametrize("ahead", [1, 4, 1000])
def test_every_batch_comes_whatever_waits(make_dataset: Make, ahead: int) -> None:
    _, dataset = make_dataset(40)
    recipe = Recipe(batch_size=4)
    data = batches.training_set(dataset, recipe)
    assert len(list(batches.epoch_batches(data, recipe, 0, 0, ahead))) == data.steps(recipe.batch_size)
    assert not workers()

"""Batches are made a few before they are asked for, and never after the epoch is left."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fer_training.data import batches
from fer_training.data.dataset import Dataset
from fer_training.recipes import Recipe

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

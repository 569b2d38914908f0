"""Which neutral face a generator is to make of a face."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from fer_client.errors import InputError
from fer_training.data.batches import training_set
from fer_training.fitting.references import erased, low_frequencies, nearest, with_references
from fer_training.recipes import Recipe

NEUTRAL = 6


def test_what_is_erased_cannot_be_told_by_any_linear_rule_and_the_rest_stays() -> None:
    rng = np.random.default_rng(0)
    classes = rng.integers(3, size=600)
    targets = np.eye(3, dtype=np.float32)[classes]
    appearance, noise = rng.normal(size=(600, 1)), rng.normal(size=(600, 4))
    space = np.hstack([appearance, noise + 3 * targets @ rng.normal(size=(3, 4))])
    left = erased(space, targets)
    means = np.stack([left[classes == number].mean(axis=0) for number in range(3)])
    np.testing.assert_allclose(means, 0, atol=1e-6)
    assert np.corrcoef(left[:, 0], appearance[:, 0])[0, 1] > 0.95


def test_the_nearest_neutral_points_are_found_in_chunks_and_a_neutral_one_is_its_own() -> None:
    points = np.array([[0.0], [0.4], [5.0], [1.0], [6.0], [9.0]])
    neutral = np.array([True, False, True, False, False, True])
    found = nearest(points, neutral, 2, chunk=4)
    assert [sorted(row) for row in found.tolist()] == [[0, 0], [0, 2], [2, 2], [0, 2], [2, 5], [5, 5]]
    assert nearest(points, neutral, 9).shape == (6, 3)


def test_a_constant_picture_has_no_low_frequencies() -> None:
    pictures = np.stack([np.full((48, 48), 9, np.uint8), np.arange(2304).reshape(48, 48) % 251]).astype(
        np.uint8
    )
    flat, other = low_frequencies(pictures)
    assert not flat.any()
    assert other.std() == pytest.approx(1)


@pytest.mark.parametrize("votes", [True, False])
def test_without_pairs_references_are_neutral_faces_of_training(make_dataset: Any, votes: bool) -> None:
    dataset = make_dataset(6, votes)[1]
    data = with_references(training_set(dataset, Recipe()), dataset, 3)
    assert data.references is not None
    assert data.references.shape == (42, 3)
    assert set(dataset.labels[data.references].ravel().tolist()) == {NEUTRAL}
    assert set(dataset.split[data.references].ravel().tolist()) == {0}
    own = data.references[dataset.labels[data.rows] == NEUTRAL]
    assert (own == data.rows[dataset.labels[data.rows] == NEUTRAL][:, np.newaxis]).all()


def test_with_pairs_a_reference_is_the_persons_own_and_a_face_without_one_is_left_out(data: Any) -> None:
    pairs = np.full(len(data[1].labels), -1)
    pairs[:10] = 3
    dataset = dataclasses.replace(data[1], references=pairs)
    found = with_references(training_set(dataset, Recipe()), dataset, 5)
    assert found.rows.tolist() == list(range(10))
    assert len(found.targets) == len(found.weights) == 10
    assert np.asarray(found.references).tolist() == [[3]] * 10


def test_data_without_pairs_and_neutral_faces_are_refused(data: Any) -> None:
    unpaired = dataclasses.replace(data[1], references=np.full(len(data[1].labels), -1))
    with pytest.raises(InputError, match="none of its faces has one"):
        with_references(training_set(unpaired, Recipe()), unpaired, 5)
    keep = data[1].labels != NEUTRAL
    without = dataclasses.replace(
        data[1],
        images=data[1].images[keep],
        labels=data[1].labels[keep],
        split=data[1].split[keep],
        votes=None,
    )
    with pytest.raises(InputError, match="the data has neither"):
        with_references(training_set(without, Recipe()), without, 5)

"""Valence and arousal of faces on which only votes are known."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.contract import LABELS
from fer_client.errors import InputError
from fer_training.data.circumplex import (
    COORDINATES,
    affect_of_votes,
    affect_targets,
    coordinates,
    target_source,
)
from fer_training.data.dataset import Dataset
from support.training_data import ballots


def test_votes_become_the_mean_of_their_expressions_places() -> None:
    votes = ballots({"happiness": 8, "neutral": 2}, {"sadness": 5, "anger": 5}, {"surprise": 1, "unknown": 9})
    found = affect_of_votes(votes)
    np.testing.assert_allclose(found[0], [0.8 * 0.81, 0.8 * 0.51], atol=1e-6)
    np.testing.assert_allclose(found[1], [-0.57, 0.16], atol=1e-6)
    np.testing.assert_allclose(found[2], COORDINATES["surprise"], atol=1e-6)


def test_votes_for_nothing_known_give_no_target() -> None:
    assert np.isnan(affect_of_votes(ballots({"contempt": 6, "NF": 4}, {}))).all()


def test_coordinates_stand_in_the_order_of_the_labels() -> None:
    table = coordinates(LABELS)
    assert table.shape == (7, 2)
    assert np.abs(table).max() <= 1
    assert tuple(table[LABELS.index("happy")]) == pytest.approx((0.81, 0.51))
    with pytest.raises(InputError, match=r"got contempt\. Leave the class out"):
        coordinates([*LABELS, "contempt"])


def test_annotations_come_before_votes(data: tuple[Path, Dataset]) -> None:
    dataset = data[1]
    assert target_source(dataset) == "votes"
    rows, targets = affect_targets(dataset, "PublicTest")
    assert len(rows) == len(targets) == len(dataset.rows("PublicTest"))
    own = np.full((len(dataset.images), 2), 0.25, np.float32)
    own[dataset.rows("PublicTest")[0]] = np.nan
    annotated = dataclasses.replace(dataset, valence_arousal=own)
    rows, targets = affect_targets(annotated, "PublicTest")
    assert target_source(annotated) == "annotations"
    assert len(rows) == len(dataset.rows("PublicTest")) - 1
    assert (targets == 0.25).all()


def test_data_without_either_is_refused(data: tuple[Path, Dataset]) -> None:
    bare: Any = dataclasses.replace(data[1], votes=None)
    with pytest.raises(InputError, match="but drawn has neither"):
        affect_targets(bare, "Training")
    unknown = dataclasses.replace(bare, valence_arousal=np.full((len(bare.images), 2), np.nan, np.float32))
    with pytest.raises(InputError, match="in the split Training"):
        affect_targets(unknown, "Training")

"""The figures by what people voted, against cases worked out by hand and against their definitions."""

from typing import Any

import numpy as np
import pytest

from fer_client.contract import LABELS
from fer_training.evaluation.metrics import (
    softmax,
)
from fer_training.evaluation.voters import (
    entropy,
    entropy_correlation,
    majority_figures,
    r2_kl,
    summarise_voters,
)
from support.training_data import ballots

ANGRY, FEAR, HAPPY = (LABELS.index(name) for name in ("angry", "fear", "happy"))


def answers(*classes: int) -> Any:
    """Probabilities that are sure of a class each."""
    return np.eye(len(LABELS))[list(classes)]


def test_accuracy_by_the_majority_counts_its_images_and_the_four_categories_theirs() -> None:
    votes = ballots(
        {"happiness": 10}, {"anger": 7}, {"fear": 9}, {"sadness": 6, "neutral": 4}, {"neutral": 5, "anger": 5}
    )
    probabilities = answers(HAPPY, FEAR, FEAR, HAPPY, ANGRY)
    probabilities[1] = 0
    probabilities[1, [FEAR, ANGRY]] = 0.6, 0.4  # fear leads, but among the four angry does
    assert majority_figures(probabilities, votes, LABELS) == {
        "majority_images": 4, "majority_accuracy": 0.5,
        "four_category_majority_images": 3, "four_category_majority_accuracy": 0.6667,
    }  # fmt: skip


def test_without_a_majority_there_is_no_accuracy() -> None:
    figures = majority_figures(answers(HAPPY), ballots({"happiness": 5, "neutral": 5}), LABELS)
    assert (figures["majority_images"], figures["majority_accuracy"]) == (0, None)
    assert figures["four_category_majority_accuracy"] is None


def test_r2_is_one_for_the_voters_own_shares_and_zero_for_their_mean() -> None:
    shares = np.array([[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]])
    assert r2_kl(shares, shares) == pytest.approx(1)
    assert r2_kl(np.full((3, 2), 0.5), shares) == pytest.approx(0)
    assert r2_kl(1 - shares, shares) < 0  # type: ignore[operator]
    assert r2_kl(shares[:1], shares[:1]) is None


def test_entropy_correlation_is_of_ranks() -> None:
    """Doubling every logit keeps which picture is the more doubtful one."""
    shares = softmax(np.array([[3.0, 0], [2, 0], [1, 0], [0, 0], [0.5, 0]]))
    sharper = softmax(2 * np.log(shares))
    assert entropy_correlation(sharper, shares) == pytest.approx(1)
    order = np.argsort(entropy(shares))
    assert entropy_correlation(shares[order][::-1], shares[order]) == pytest.approx(-1)
    assert entropy_correlation(shares, np.full((5, 2), 0.5)) is None


def test_equal_values_share_the_mean_rank() -> None:
    """Worked out by hand: ranks 1.5, 1.5, 3 against 1, 2, 3."""
    shares = np.array([[1.0, 0], [1, 0], [0.5, 0.5]])
    probabilities = np.array([[0.95, 0.05], [0.9, 0.1], [0.6, 0.4]])
    assert entropy_correlation(probabilities, shares) == pytest.approx(np.sqrt(3) / 2)


def test_rows_without_a_vote_for_a_class_have_no_say() -> None:
    some = ballots({"happiness": 8, "neutral": 2}, {"sadness": 9, "anger": 1})
    more = ballots({"happiness": 8, "neutral": 2}, {"sadness": 9, "anger": 1}, {"NF": 10})
    probabilities = softmax(np.random.default_rng(0).normal(size=(3, len(LABELS))))
    figures = summarise_voters(probabilities, more, LABELS)
    assert figures == summarise_voters(probabilities[:2], some, LABELS)
    assert figures is not None
    assert figures["images"] == 2
    assert summarise_voters(probabilities[2:], more[2:], LABELS) is None

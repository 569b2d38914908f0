"""The model card gives the figures, what was learned, and what was not measured."""

from pathlib import Path
from typing import Any

import pytest

from fer_client.errors import InputError
from fer_training.reports.card import card
from fer_training.reports.results import read_result
from support.training_results import EXTRA, VOTERS, judged_result


def test_a_card_gives_every_split_with_and_without_copies_and_every_class() -> None:
    text = card(judged_result(EXTRA | {"latency_ms": 0.94}, start="a", teachers=["a", "b"]))
    assert "ONNX Runtime | 0.9 ms |" in text
    assert "seed 0, begun with trained weights, 2 teachers |" in text
    assert "| PrivateTest | 3,589 | 70.0 % | 80.0 % | 65.0 % | 3.1 % | 1.5 % |" in text
    assert "| PrivateTest without copies | 3,301 | 69.0 % | 80.0 % | 65.0 % | – | 1.5 % |" in text
    assert "| fear | 55.0 % | 40.5 % |" in text
    assert "| parameters | 1,617,000 |" in text


def test_a_card_of_a_network_that_was_judged_by_voters_gives_both_kinds_of_figures() -> None:
    recipe = {"name": "voters", "epochs": 10, "votes_share": 1.0, "keep": "best"}
    judged = judged_result(EXTRA, recipe=recipe, temperature_fitted_on="votes")
    assert "voters' shares" not in card(judged)
    judged["metrics"]["PrivateTest"] = judged["metrics"]["PrivateTest"] | {"voters": VOTERS}
    text = card(judged)
    assert "It learned from the shares of the FER+ voters alone." in text
    assert "the best epoch by what most voters chose on PublicTest." in text
    assert "The temperature was fitted on the votes of PublicTest." in text
    assert "| PrivateTest | 2,720 | 84.2 % | 2,322 | 87.1 % |" in text
    assert "| PrivateTest without copies | 2,506 | 83.3 % | 2,215 | 86.6 % |" in text
    assert "| PrivateTest | 3,573 | 5.5 % | 2.1 % | 0.95 | 0.61 | – |" in text
    assert "| PrivateTest without copies | 3,290 | – | 2.2 % | 0.97 | 0.60 | – |" in text
    assert "| 50 to 100 % | 100.0 % | 91.0 % | 88.7 % |" in text
    assert "| 0 to 50 %" not in text  # no answer is so unsure
    assert "| PrivateTest | 3,589 | 70.0 % | 80.0 % |" in text


@pytest.mark.parametrize(
    ("recipe", "changes", "sentence"),
    [
        ({"votes_share": 0.4, "distillation": 0.5}, {},
         "from the labels and, for 40 % beside them, the FER+ voters, and for 50 % of the whole from teachers."),
        ({"votes_head": 0.5}, {}, "from the labels, with all ten votes as a second output."),
        ({"keep": "last"}, {"epochs": 10}, "Its weights are those of the last epoch."),
        ({"keep": "last"}, {"epochs": 7}, "Its weights are those of epoch 7, after which the run was stopped."),
        ({}, {}, "of the best epoch by the labels on PublicTest. The temperature was fitted on the labels of PublicT"),
        ({}, {"average_of": [{}, {}]}, "the mean of 2 networks, the last of which learned so."),
        ({}, {"temperature_fitted_on": None}, "No temperature fitted, so the probabilities are as it gives them."),
    ],
)  # fmt: skip
def test_a_card_says_what_was_learned_and_chosen(recipe: Any, changes: Any, sentence: str) -> None:
    assert sentence in card(judged_result(EXTRA, recipe={"name": "x", "epochs": 10, **recipe}, **changes))


def test_a_network_that_was_not_judged_on_privatetest_gets_no_card(results: Path) -> None:
    with pytest.raises(InputError, match="worse was not"):
        card(read_result(results / "worse.json"))


def test_a_card_shows_limits_by_the_voters_where_they_were_measured() -> None:
    by_labels = {"as they are": {"accuracy": 0.7, "ece": 0.02}}
    by_both = {"as they are": {"accuracy": 0.7, "ece": 0.02, "majority_accuracy": 0.8, "voters_ece": 0.03}}
    assert "| as they are | 70.0 % | 2.0 % |" in card(judged_result(EXTRA, limits=by_labels))
    assert "| as they are | 80.0 % | 3.0 % | 70.0 % | 2.0 % |" in card(judged_result(EXTRA, limits=by_both))


def test_a_card_shows_a_latency_that_was_not_measured_as_a_dash() -> None:
    assert "| one face on one CPU thread, ONNX Runtime | – |" in card(judged_result(EXTRA))

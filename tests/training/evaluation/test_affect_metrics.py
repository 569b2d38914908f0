"""Figures of valence and arousal against values worked out by hand."""

import numpy as np
import pytest

from fer_training.evaluation.affect_metrics import (
    concordance,
    pearson,
    rmse,
    sign_agreement,
    summarise_affect,
)

TARGETS = np.array([-0.5, 0.0, 0.5, 1.0])


def test_concordance_falls_with_a_wrong_mean_and_spread_where_correlation_does_not() -> None:
    assert concordance(TARGETS, TARGETS) == pytest.approx(1)
    assert pearson(TARGETS / 2, TARGETS) == pytest.approx(1)
    # Variance 0.3125; halved: covariance 0.15625, variance 0.078125, mean 0.125 off.
    assert concordance(TARGETS / 2, TARGETS) == pytest.approx(2 * 0.15625 / (0.3125 + 0.078125 + 0.125**2))
    assert concordance(TARGETS + 0.5, TARGETS) == pytest.approx(2 * 0.3125 / (2 * 0.3125 + 0.25))
    assert concordance(-TARGETS, TARGETS) == pytest.approx(-2 * 0.3125 / (2 * 0.3125 + 0.25))


def test_what_is_constant_has_no_correlation() -> None:
    flat = np.zeros(4)
    assert concordance(flat, flat) is None
    assert pearson(flat, TARGETS) is None
    assert concordance(flat, TARGETS) == 0
    assert sign_agreement(TARGETS, flat) is None


def test_signs_are_compared_where_the_target_has_one() -> None:
    assert sign_agreement(np.array([0.1, 0.9, 0.1, -0.2]), TARGETS) == pytest.approx(1 / 3)
    assert rmse(TARGETS + 0.25, TARGETS) == pytest.approx(0.25)


def test_a_summary_has_both_dimensions_and_the_mean_concordance() -> None:
    targets = np.column_stack([TARGETS, TARGETS])
    found = summarise_affect(np.column_stack([TARGETS, -TARGETS]), targets)
    assert (found["images"], found["valence"]["ccc"], found["arousal"]["pearson"]) == (4, 1, -1)
    assert found["ccc"] == pytest.approx((1 + found["arousal"]["ccc"]) / 2, abs=1e-4)
    assert summarise_affect(np.zeros((4, 2)), np.zeros((4, 2)))["ccc"] is None

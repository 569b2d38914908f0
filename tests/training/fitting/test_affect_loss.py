"""The loss of valence and arousal is 0 where all is right, and has a slope elsewhere."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras", reason="needs the extra `training`")
pytestmark = [
    pytest.mark.keras,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def loss(targets: Any, answers: Any) -> float:
    from fer_training.fitting.affect_loss import affect_loss

    return float(affect_loss(np.float32(targets), np.float32(answers)))


def test_it_is_what_lacks_of_concordance_and_the_error() -> None:
    targets = np.random.default_rng(0).uniform(-1, 1, (64, 2))
    assert loss(targets, targets) == pytest.approx(0, abs=1e-4)
    from fer_training.evaluation.affect_metrics import summarise_affect

    answers = 0.5 * targets + 0.1
    expected = 1 - summarise_affect(answers, targets)["ccc"] + np.sqrt(np.mean((answers - targets) ** 2))
    assert loss(targets, answers) == pytest.approx(expected, abs=1e-4)


def test_a_constant_batch_gives_a_number() -> None:
    assert loss(np.zeros((4, 2)), np.zeros((4, 2))) == pytest.approx(1, abs=1e-3)
    assert np.isfinite(loss(np.zeros((4, 2)), np.ones((4, 2))))

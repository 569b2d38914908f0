"""The learning rate of every step."""

import numpy as np
import pytest

from fer_training.fitting.schedule import learning_rates
from fer_training.recipes import Recipe


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

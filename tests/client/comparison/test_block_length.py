"""The rule for the length of a block: longer for what remembers longer, and bounded."""

import numpy as np
import pytest

from fer_client.comparison.block_length import block_length


def remembering(memory: float, count: int, seed: int = 0) -> np.ndarray:
    """A first-order autoregressive series [count, 1]."""
    steps = np.random.default_rng(seed).normal(size=count)
    for place in range(1, count):
        steps[place] += memory * steps[place - 1]
    return steps[:, None]


def test_it_is_near_the_known_optimum_of_an_autoregressive_series() -> None:
    memory, count = 0.5, 4000
    spread_over_variance = 2 * memory / (1 - memory**2)
    optimum = (1.5 * spread_over_variance**2 * count) ** (1 / 3)
    lengths = [block_length(remembering(memory, count, seed)) for seed in range(20)]
    assert np.median(lengths) == pytest.approx(optimum, rel=0.15)


def test_what_remembers_longer_needs_longer_blocks() -> None:
    lengths = [block_length(remembering(memory, 1000)) for memory in (0.0, 0.5, 0.9)]
    assert lengths == sorted(lengths)
    assert lengths[0] < 4 < lengths[2]


def test_what_varies_most_decides() -> None:
    strong, weak = remembering(0.9, 1000), remembering(0.0, 1000, 1)
    alone = block_length(strong)
    assert block_length(np.hstack([strong, 0.01 * weak])) == pytest.approx(alone, rel=0.01)


@pytest.mark.parametrize("count", [1, 2, 3, 10, 300])
def test_it_has_limits(count: int) -> None:
    assert block_length(np.zeros((count, 2))) == 1
    trend = np.linspace(0, 1, count)[:, None]
    assert 1 <= block_length(trend) <= max(1, min(count / 3, 3 * count**0.5))

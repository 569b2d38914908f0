"""Intervals of differences: known ones are found, none is claimed of too little, and they hold the truth."""

import math

import numpy as np
import pytest

from benchmarks.interval_coverage import Face, coverage
from fer_client.comparison.bootstrap import MIN_BLOCKS, Sample, _student_over_normal, interval_of_difference

SHARE = np.array([[0.0, 1.0]])


def sample(values: list[float] | np.ndarray, block: int = 1) -> Sample:
    column = np.asarray(values, float)[:, None]
    return Sample(column, np.ones(len(column)), block)


def coins(count: int, share: float, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(count) < share).astype(float)


def test_independent_samples_get_the_interval_of_the_textbook() -> None:
    first, second = coins(400, 0.3, 1), coins(400, 0.6, 2)
    interval = interval_of_difference(sample(first), sample(second), SHARE)
    difference = second.mean() - first.mean()
    half = 1.96 * math.sqrt(first.var() / 400 + second.var() / 400)
    assert interval.low[0] == pytest.approx(difference - half, abs=0.015)
    assert interval.high[0] == pytest.approx(difference + half, abs=0.015)


def test_the_same_samples_give_the_same_interval() -> None:
    sides = sample(coins(60, 0.3, 1)), sample(coins(60, 0.6, 2))
    first, second = (interval_of_difference(*sides, SHARE) for _ in range(2))
    assert first.low == second.low
    assert first.high == second.high


def test_equal_recordings_do_not_differ() -> None:
    values = coins(60, 0.4, 1)
    interval = interval_of_difference(sample(values), sample(values), SHARE)
    assert interval.low[0] < 0 < interval.high[0]


def test_what_was_never_there_may_have_been_by_the_rule_of_three() -> None:
    interval = interval_of_difference(sample(np.zeros(100)), sample(np.zeros(100)), SHARE)
    assert interval.high[0] == pytest.approx(3 / 100, abs=0.011)
    assert interval.low[0] == pytest.approx(-3 / 100, abs=0.011)


def test_dependent_answers_make_it_wider() -> None:
    values = np.repeat(coins(20, 0.5, 1), 10), np.repeat(coins(20, 0.5, 2), 10)
    narrow, wide = (
        interval_of_difference(sample(values[0], block), sample(values[1], block), SHARE) for block in (1, 10)
    )
    assert wide.high[0] - wide.low[0] > 2.5 * (narrow.high[0] - narrow.low[0])


@pytest.mark.parametrize("steps", [1, MIN_BLOCKS * 4 - 1])
def test_too_few_blocks_give_none(steps: int) -> None:
    short, long = sample(coins(steps, 0.5, 1), 4), sample(coins(200, 0.5, 2), 4)
    for sides in ((short, long), (long, short)):
        interval = interval_of_difference(*sides, SHARE)
        assert np.isnan([interval.low, interval.high]).all()


def test_limits_stay_in_what_is_possible() -> None:
    interval = interval_of_difference(sample(np.zeros(6)), sample(np.ones(6)), SHARE)
    assert interval.low[0] > 0
    assert interval.high[0] == 1


def test_steps_in_which_nothing_is_seen_count_for_nothing() -> None:
    values, weights = coins(80, 0.5, 1), np.tile([1.0, 0.0], 40)
    seen = Sample((values * weights)[:, None], weights, 1)
    assert seen.blocks == 40
    assert seen.means[0] == values[::2].mean()
    interval = interval_of_difference(seen, sample(np.ones(80)), SHARE)
    assert 0 < interval.low[0] < 0.5 < interval.high[0] < 1


def test_what_both_have_in_common_cancels_out_in_pairs() -> None:
    common = np.random.default_rng(1).random(100)
    ranges = np.array([[0.0, 1.1]])
    sides = sample(common), sample(common + 0.1)
    alone, paired = (interval_of_difference(*sides, ranges, is_paired) for is_paired in (False, True))
    assert paired.high[0] - paired.low[0] < 0.8 * (alone.high[0] - alone.low[0])
    assert paired.low[0] > alone.low[0]


def test_student_quantiles_are_those_of_the_tables() -> None:
    quantiles = 1.959964 * _student_over_normal(np.array([4, 5, 8, 20, 100.0]))
    assert quantiles == pytest.approx([2.7764, 2.5706, 2.3060, 2.0860, 1.9840], rel=0.003)


def test_intervals_hold_the_truth_of_recordings_that_depend_on_their_past() -> None:
    first, second = Face((0.5, 0.4, 0.1), 1.0), Face((0.3, 0.6, 0.1), 1.0)
    found = coverage((first, second), seconds=40, repeats=40)
    assert found.told > 0.8
    assert found.held.min() >= 0.85
    assert found.width[0] < 0.75


def test_intervals_for_independent_frames_would_not() -> None:
    """The same recordings with every step a block: that is why there are blocks."""
    from benchmarks import interval_coverage as made

    rng, held = np.random.default_rng(0), []
    face = Face((0.5, 0.5), 3.0)
    for _ in range(25):
        sides = [made.made_series(face, 20, rng) for _ in range(2)]
        frames = [Sample(side.sums[:, :1], side.weights, 1) for side in sides]
        interval = interval_of_difference(frames[0], frames[1], SHARE)
        held.append(interval.low[0] <= 0 <= interval.high[0])
    assert np.mean(held) < 0.6

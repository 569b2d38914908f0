"""Answers averaged over time."""

import gc
import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from fer_client.temporal.durations import timed, timed_at_once
from fer_client.temporal.frame import AnalysedFrame
from fer_client.temporal.smoothing import smoothed, smoothed_at_once
from support.timelines import answered, steps


def smooth_values(frames: list[AnalysedFrame], window_s: float) -> list[float]:
    """The second probability of the first face of every frame."""
    return [float(item.smoothed.expression[0, 1]) for item in smoothed(timed(frames), window_s)]


class TestSmoothing:
    def test_an_impulse_becomes_a_triangle(self) -> None:
        """Window 0.4 s at 10 frames/s: each frame has the triangle's area over the tenth of a second it stands."""
        values = smooth_values(steps([0, 0, 0, 0, 1, 0, 0, 0, 0]), 0.4)
        assert values[1:8] == pytest.approx([0, 1 / 32, 1 / 4, 7 / 16, 1 / 4, 1 / 32, 0], abs=1e-6)

    def test_only_the_part_of_a_frame_inside_the_window_counts(self) -> None:
        """The frame at 0.96 s looks 0.25 s around its middle, whatever the next frame does beyond."""
        happy, sad = [0.1, 0.9], [0.9, 0.1]
        frames = [answered(index / 25, {1: happy}) for index in range(25)]
        frames += [answered(1.0, {1: sad}), answered(4.0, {1: sad})]
        beside = 0.02 / 0.25
        after = (1 - beside) ** 2 / 2
        assert smooth_values(frames, 0.5)[24] == pytest.approx(0.9 - 0.8 * after, abs=1e-6)
        assert smooth_values(frames, 0.5)[24] == pytest.approx(0.56, abs=0.005)

    def test_a_frame_that_began_before_the_window_counts_for_the_rest_of_its_time(self) -> None:
        frames = [answered(t, {1: [1 - v, v]}) for t, v in [(0, 0), (3, 1), (3.04, 1), (3.08, 1)]]
        before, after = (1 - 0.02 / 0.25) ** 2 / 2, 0.1 / 0.25 - (0.1 / 0.25) ** 2 / 2
        expected = 1 - before / (1 / 2 + after)
        assert smooth_values(frames, 0.5)[1] == pytest.approx(expected, abs=1e-6)

    def test_any_frame_times_against_the_whole_integral(self) -> None:
        rng = np.random.default_rng(0)
        times = np.cumsum(rng.choice([0.01, 0.04, 0.12, 1.5], 60))
        values = rng.uniform(0, 1, 60)
        frames = [answered(t, {1: [1 - v, v]}) for t, v in zip(times.tolist(), values.tolist(), strict=True)]
        durations = np.append(np.diff(times), times[-1] - times[-2])
        instants = np.linspace(-0.35, 0.35, 20_001)
        kernel = 1 - np.abs(instants) / 0.35
        expected = []
        for centre in times + durations / 2:
            at = centre + instants
            known = (at >= times[0]) & (at < times[-1] + durations[-1])
            shown = values[np.searchsorted(times, at, side="right") - 1]
            expected.append(np.average(shown[known], weights=kernel[known]))
        assert smooth_values(frames, 0.7) == pytest.approx(expected, abs=1e-3)

    def test_what_fills_the_window_keeps_its_height_and_place(self) -> None:
        values = smooth_values(steps([0.0] * 20 + [0.9] * 20 + [0.0] * 20, 0.025), 0.5)
        assert max(values) == pytest.approx(0.9, abs=0.01)
        assert np.argmax(values) == pytest.approx(29.5, abs=1)

    def test_probabilities_sum_to_one_and_affect_is_averaged_too(self) -> None:
        rng = np.random.default_rng(1)
        frames = [
            answered(index / 30, {1: row, 2: row[::-1]}, affect=True)
            for index, row in enumerate(rng.dirichlet([0.3] * 7, 40))
        ]
        for item in smoothed(timed(frames), 0.5):
            np.testing.assert_allclose(item.smoothed.expression.sum(axis=1), 1, atol=1e-6)
            assert item.smoothed.valence_arousal is not None
            np.testing.assert_allclose(
                item.smoothed.valence_arousal, item.smoothed.expression[:, :2], atol=1e-6
            )

    def test_zero_leaves_the_values_as_they_are(self) -> None:
        values = [0.25, 1.0, 0.5]
        assert smooth_values(steps(values), 0) == values

    def test_nothing_is_averaged_across_a_gap_or_faces(self) -> None:
        frames = [
            answered(0.0, {1: [1, 0]}),
            answered(0.3, {2: [0, 1]}),
            answered(0.9, {1: [0, 1]}),
        ]
        assert smooth_values(frames, 10) == [0, 1, 1]

    def test_time_that_jumps_back_starts_anew(self) -> None:
        frames = [*steps([0, 0, 0]), *steps([1, 1, 1])]
        assert smooth_values(frames, 1) == pytest.approx([0, 0, 0, 1, 1, 1])

    def test_memory_is_bounded_even_where_time_stands_still(self) -> None:
        taken = 0

        def endless() -> Iterator[AnalysedFrame]:
            nonlocal taken
            while True:
                taken += 1
                yield answered(0.0, {})

        for index, _ in enumerate(itertools.islice(smoothed(timed(endless()), 0.5), 9000)):
            assert taken - index < 5000

    def test_frames_wait_for_half_a_window_only(self) -> None:
        taken = 0

        def counted() -> Iterator[AnalysedFrame]:
            nonlocal taken
            for taken in range(200):
                yield answered(taken / 25, {1: [0.5, 0.5]})

        for index, _ in enumerate(smoothed(timed(counted()), 0.4)):
            assert taken - index <= 7


def past_values(frames: list[AnalysedFrame], window_s: float) -> list[float]:
    return [
        float(item.smoothed.expression[0, 1]) for item in smoothed_at_once(timed_at_once(frames), window_s)
    ]


class TestSmoothingAtOnce:
    def test_an_impulse_becomes_a_triangles_past_half(self) -> None:
        """Window 0.4 s at 10 frames/s: of 1 - a / 0.4 the four tenths have areas of 7, 5, 3 and 1 sixteenth."""
        values = past_values(steps([0, 0, 0, 0, 0, 1, 0, 0, 0, 0]), 0.4)
        assert values == pytest.approx([0] * 5 + [7 / 16, 5 / 16, 3 / 16, 1 / 16, 0], abs=1e-6)

    def test_uneven_times(self) -> None:
        """At 0.5 s the frame before lies 0.3 s back: 0 to 0.3 and 0.3 to 0.4 of the window have 15 and 1 sixteenth."""
        frames = [answered(time_s, {1: [1 - v, v]}) for time_s, v in [(0, 0.5), (0.2, 0.8), (0.5, 0.4)]]
        expected = [0.5, 0.8, 15 / 16 * 0.4 + 1 / 16 * 0.8]
        assert past_values(frames, 0.4) == pytest.approx(expected, abs=1e-5)

    def test_what_comes_later_changes_nothing(self) -> None:
        values = np.random.default_rng(0).uniform(0, 1, 30).tolist()
        whole = past_values(steps(values), 0.5)
        assert past_values(steps(values[:17]), 0.5) == whole[:17]

    def test_a_slope_lags_by_a_third_of_the_window(self) -> None:
        values = past_values(steps([index / 1000 for index in range(1000)], 0.001), 0.3)
        assert 0.001 * 900 - values[900] == pytest.approx(0.3 / 3, abs=0.001)

    def test_nothing_is_averaged_across_a_gap_faces_or_times_that_start_again(self) -> None:
        frames = [
            answered(0.0, {1: [1, 0]}),
            answered(0.6, {2: [0, 1]}),
            answered(0.9, {1: [0, 1]}),
            answered(0.2, {1: [1, 0]}),
        ]
        assert past_values(frames, 10) == [0, 1, 1, 0]

    def test_zero_leaves_the_values_as_they_are(self) -> None:
        assert past_values(steps([0.25, 1.0, 0.5]), 0) == [0.25, 1.0, 0.5]

    def test_memory_is_bounded_even_where_time_stands_still(self) -> None:
        held = smoothed_at_once(timed_at_once(answered(0.0, {}) for _ in range(9000)), 0.5)
        for _ in itertools.islice(held, 8000):
            pass
        assert sum(isinstance(thing, AnalysedFrame) for thing in gc.get_objects()) < 5000

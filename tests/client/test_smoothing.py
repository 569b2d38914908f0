"""Time: how long frames stand, answers averaged over it, episodes, and the summary's weights."""

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from fer_client.outputs.summary import Summary
from fer_client.temporal.durations import timed
from fer_client.temporal.episodes import Episode, Episodes
from fer_client.temporal.frame import AnalysedFrame
from fer_client.temporal.smoothing import smoothed
from support.timelines import answered

LABELS = ("calm", "lively")


def smooth_values(frames: list[AnalysedFrame], window_s: float) -> list[float]:
    """The second probability of the first face of every frame."""
    return [float(item.smoothed.expression[0, 1]) for item in smoothed(timed(frames), window_s)]


def steps(values: list[float], interval_s: float = 0.1) -> list[AnalysedFrame]:
    return [answered(index * interval_s, {1: [1 - value, value]}) for index, value in enumerate(values)]


class TestDurations:
    def test_a_frame_stands_until_the_next_and_the_last_as_long_as_the_one_before(self) -> None:
        frames = [answered(time_s, {}) for time_s in (0.0, 0.5, 2.0)]
        assert [frame.duration_s for frame in timed(frames)] == [0.5, 1.5, 1.5]
        assert [frame.duration_s for frame in timed(frames, end_s=2.25)] == [0.5, 1.5, 0.25]
        assert [frame.duration_s for frame in timed(frames[:1], end_s=3.0)] == [3.0]

    def test_a_last_frame_that_the_file_shows_for_longer_stands_longer(self) -> None:
        frames = [answered(time_s, {}) for time_s in (0.0, 0.04)]

        def last_duration_s(end_s: float | None, shown_until_s: float | None) -> float:
            return list(timed(frames, end_s, lambda: shown_until_s))[-1].duration_s

        assert last_duration_s(3.04, 3.04) == pytest.approx(3)
        assert last_duration_s(None, 3.04) == pytest.approx(3)
        assert last_duration_s(1.04, 3.04) == pytest.approx(1), "not beyond the end that is declared"
        assert last_duration_s(3.04, 0.05) == pytest.approx(0.04), "a packet without a length says nothing"
        assert last_duration_s(3.04, None) == pytest.approx(0.04)

    def test_time_that_goes_backwards_is_not_counted_twice(self) -> None:
        frames = list(timed([answered(time_s, {}) for time_s in (0.0, 0.2, 0.1, 0.3)]))
        assert [frame.duration_s for frame in frames] == pytest.approx([0.2, 0.0, 0.1, 0.1])
        assert [frame.is_backwards for frame in frames] == [False, False, True, False]

    def test_a_long_absence_starts_a_new_appearance_and_a_short_one_does_not(self) -> None:
        face: dict[int, list[float]] = {1: [0.5, 0.5]}
        frames = [answered(time_s, faces) for time_s, faces in [(0.0, face), (0.2, {}), (0.4, face)]]
        assert [list(frame.appearances) for frame in timed(frames)] == [[1], [], [1]]
        frames = [answered(time_s, faces) for time_s, faces in [(0.0, face), (0.2, {}), (0.6, face)]]
        assert [list(frame.appearances) for frame in timed(frames)] == [[1], [], [2]]

    def test_rare_frames_are_no_absence(self) -> None:
        frames = [answered(float(time_s), {1: [0.5, 0.5]}) for time_s in range(0, 9, 3)]
        assert [list(frame.appearances) for frame in timed(frames)] == [[1], [1], [1]]


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
            answered(0.7, {1: [0, 1]}),
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


def told(frames: list[AnalysedFrame], min_s: float = 0.0) -> list[Episode]:
    episodes = Episodes(LABELS, min_s)
    found = [episode for frame in timed(frames) for episode in episodes.add(frame)]
    return [*found, *episodes.rest()]


class TestEpisodes:
    def test_start_end_and_peak(self) -> None:
        found = told(steps([0.2, 0.6, 0.9, 0.7, 0.1]))
        assert [(episode.expression, episode.start_s, episode.end_s) for episode in found] == [
            ("calm", 0.0, pytest.approx(0.1)),
            ("lively", pytest.approx(0.1), pytest.approx(0.4)),
            ("calm", pytest.approx(0.4), pytest.approx(0.5)),
        ]
        lively = found[1]
        assert (lively.track, lively.peak_s, lively.peak) == (1, pytest.approx(0.2), pytest.approx(0.9))
        assert lively.mean == pytest.approx((0.6 + 0.9 + 0.7) / 3)
        assert lively.duration_s == pytest.approx(0.3)

    def test_a_face_that_leaves_ends_its_episode(self) -> None:
        face = {1: [0.1, 0.9]}
        frames = [answered(t / 10, face if t < 3 or t > 12 else {}) for t in range(15)]
        found = told(frames)
        assert [(episode.start_s, episode.end_s) for episode in found] == [
            (0.0, pytest.approx(0.3)),
            (pytest.approx(1.3), pytest.approx(1.5)),
        ]

    def test_a_frame_without_the_face_does_not(self) -> None:
        frames = [answered(t / 10, {} if t == 3 else {1: [0.1, 0.9], 2: [0.9, 0.1]}) for t in range(6)]
        assert sorted((episode.track, episode.end_s) for episode in told(frames)) == [
            (1, pytest.approx(0.6)),
            (2, pytest.approx(0.6)),
        ]

    def test_short_ones_are_left_out_and_exactly_the_least_is_not(self) -> None:
        frames = steps([0.1, 0.1, 0.9, 0.1, 0.1, 0.1])
        assert [(episode.expression, episode.start_s) for episode in told(frames, 0.2)] == [
            ("calm", 0.0),
            ("calm", pytest.approx(0.3)),
        ]
        assert [episode.expression for episode in told(frames)] == ["calm", "lively", "calm"]

    def test_they_come_in_the_order_of_their_starts(self) -> None:
        """The second face changes while the first goes on, and the first leaves before the second ends."""
        lively, calm = [0.1, 0.9], [0.9, 0.1]
        second = [lively, lively, calm, calm, lively, lively, lively, lively, lively]
        frames = [
            answered(t / 2, {2: value} | ({1: calm} if t < 6 else {})) for t, value in enumerate(second)
        ]
        found = told(frames)
        assert [(episode.start_s, episode.track) for episode in found] == [
            (0.0, 1),
            (0.0, 2),
            (1.0, 2),
            (2.0, 2),
        ]
        assert found[0].end_s > found[1].end_s


def summarised(
    frames: list[AnalysedFrame], end_s: float | None = None, affect: bool = False, min_confidence: float = 0.0
) -> dict:
    summary = Summary(LABELS, affect, min_confidence)
    episodes = Episodes(LABELS)
    for item in smoothed(timed(frames, end_s), 0):
        summary.add(item)
        for episode in episodes.add(item):
            summary.add_episode(episode)
    for episode in episodes.rest():
        summary.add_episode(episode)
    return {**summary.result(), "times_backwards": summary.times_backwards}


class TestSummary:
    def test_shares_are_weighted_by_time(self) -> None:
        result = summarised(
            [answered(0, {1: [0.9, 0.1]}), answered(3, {1: [0.2, 0.8]}), answered(4, {})], affect=False
        )
        assert result["overall"]["share"] == {"calm": 0.75, "lively": 0.25}
        assert result["overall"]["face_seconds"] == 4.0
        assert result["overall"]["mean_probability"]["calm"] == pytest.approx((0.9 * 3 + 0.2) / 4, abs=1e-6)
        assert (result["frames_analysed"], result["frames_without_face"]) == (3, 1)
        assert (result["seconds_analysed"], result["seconds_without_face"]) == (5.0, 1.0)

    def test_each_face_has_its_own_result_and_all_have_one_together(self) -> None:
        frames = [
            answered(0, {1: [0.9, 0.1], 2: [0.3, 0.7]}, affect=True),
            answered(2, {2: [0.4, 0.6]}, affect=True),
            answered(3, {2: [0.4, 0.6]}, affect=True),
        ]
        result = summarised(frames, end_s=4, affect=True)
        first, second = result["tracks"]
        assert (first["dominant_expression"], second["dominant_expression"]) == ("calm", "lively")
        assert (first["face_seconds"], second["face_seconds"]) == (2, 4)
        assert result["overall"]["face_seconds"] == 6
        assert result["overall"]["dominant_expression"] == "lively"
        assert second["mean_valence"] == pytest.approx((0.3 * 2 + 0.4 * 2) / 4, abs=1e-6)
        assert sum(result["overall"]["share"].values()) == pytest.approx(1)
        assert result["overall"]["episodes"] == {"calm": 1, "lively": 1}

    def test_low_answers_count_as_uncertain_and_confidence_is_a_mean_over_time(self) -> None:
        frames = [
            answered(0, {1: [0.4, 0.6]}),
            answered(1, {1: [0.75, 0.25], 2: [0.3, 0.7]}),
            answered(4, {}),
        ]
        result = summarised(frames, min_confidence=0.7)
        first, second = result["tracks"]
        assert first["share"] == {"calm": 0.75, "lively": 0.0, "uncertain": 0.25}
        assert first["mean_confidence"] == pytest.approx((0.6 * 1 + 0.75 * 3) / 4, abs=1e-6)
        assert second["share"] == {"calm": 0.0, "lively": 1.0, "uncertain": 0.0}, "0.7 itself is certain"
        overall = result["overall"]
        assert overall["share"]["uncertain"] == pytest.approx(1 / 7, abs=1e-6)
        assert overall["mean_confidence"] == pytest.approx((0.6 + 0.75 * 3 + 0.7 * 3) / 7, abs=1e-6)
        assert "uncertain" not in summarised(frames)["overall"]["share"]

    def test_without_a_certain_answer_nothing_dominates(self) -> None:
        overall = summarised([answered(0, {1: [0.4, 0.6]})], end_s=2, min_confidence=0.7)["overall"]
        assert overall["dominant_expression"] is None
        assert overall["share"] == {"calm": 0.0, "lively": 0.0, "uncertain": 1.0}

    def test_a_single_picture_has_a_dominant_expression(self) -> None:
        overall = summarised([answered(0, {1: [0.2, 0.8]})])["overall"]
        assert (overall["dominant_expression"], overall["face_seconds"]) == ("lively", 0)

    def test_no_face_has_none(self) -> None:
        assert summarised([answered(0, {})])["overall"]["dominant_expression"] is None

    def test_times_that_go_backwards_are_counted_and_weigh_nothing(self) -> None:
        result = summarised([answered(time_s, {1: [1, 0]}) for time_s in (0.0, 0.2, 0.1, 0.3)])
        assert result["times_backwards"] == 1
        assert result["overall"]["face_seconds"] == pytest.approx(0.4, abs=1e-4)

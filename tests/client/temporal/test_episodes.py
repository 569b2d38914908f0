"""Episodes: who showed which expression from when to when."""

import pytest

from fer_client.temporal.durations import timed
from fer_client.temporal.episodes import Episode, Episodes
from fer_client.temporal.frame import AnalysedFrame
from support.timelines import answered, steps

LABELS = ("calm", "lively")


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

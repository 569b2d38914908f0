"""The weights of the summary: time, faces, and answers that are not sure."""

import pytest

from fer_client.outputs.summary import Summary
from fer_client.temporal.durations import timed
from fer_client.temporal.episodes import Episodes
from fer_client.temporal.frame import AnalysedFrame
from fer_client.temporal.smoothing import smoothed
from support.timelines import answered

LABELS = ("calm", "lively")


def summarised(
    frames: list[AnalysedFrame], end_s: float | None = None, affect: bool = False, min_confidence: float = 0.0
) -> dict:
    summary = Summary(LABELS, affect, min_confidence)
    episodes = Episodes(LABELS)
    for item in smoothed(timed(frames, lambda: end_s), 0):
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

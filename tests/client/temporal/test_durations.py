"""How long frames stand, and when a face has been away."""

import json
from pathlib import Path

import pytest

from fer_client.temporal.durations import timed, timed_at_once
from support.command import Command
from support.timelines import answered
from support.videos import face_frame, write_video


class TestDurations:
    def test_a_frame_stands_until_the_next_and_the_last_as_long_as_the_one_before(self) -> None:
        frames = [answered(time_s, {}) for time_s in (0.0, 0.5, 2.0)]
        assert [frame.duration_s for frame in timed(frames)] == [0.5, 1.5, 1.5]
        assert [frame.duration_s for frame in timed(frames, lambda: 2.25)] == [0.5, 1.5, 0.25]
        assert [frame.duration_s for frame in timed(frames[:1], lambda: 3.0)] == [3.0]

    def test_a_last_frame_that_the_file_shows_for_longer_stands_longer(self) -> None:
        frames = [answered(time_s, {}) for time_s in (0.0, 0.04)]

        def last_duration_s(end_s: float | None, shown_until_s: float | None) -> float:
            return list(timed(frames, lambda: end_s, lambda: shown_until_s))[-1].duration_s

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
        assert [list(frame.tracklets) for frame in timed(frames)] == [[1], [], [1]]
        frames = [answered(time_s, faces) for time_s, faces in [(0.0, face), (0.2, {}), (0.8, face)]]
        assert [list(frame.tracklets) for frame in timed(frames)] == [[1], [], [2]]

    @pytest.mark.parametrize("fps", [4, 5, 10, 25])
    def test_the_length_of_an_absence_does_not_depend_on_the_rate(self, fps: int) -> None:
        """Away from 1.0 to 1.4 s or a little longer, whatever stood before it."""
        frames = [answered(n / fps, {} if 1.0 <= n / fps < 1.4 else {1: [0.5, 0.5]}) for n in range(2 * fps)]
        assert {number for frame in timed(frames) for number in frame.tracklets} == {1}

    def test_a_frame_that_stands_long_is_no_absence(self) -> None:
        face: dict[int, list[float]] = {1: [0.5, 0.5]}
        frames = [answered(time_s, faces) for time_s, faces in [(0.0, face), (10.0, {}), (10.04, face)]]
        assert [list(frame.tracklets) for frame in timed(frames)] == [[1], [], [1]]

    def test_rare_frames_are_no_absence(self) -> None:
        frames = [answered(float(time_s), {1: [0.5, 0.5]}) for time_s in range(0, 9, 3)]
        assert [list(frame.tracklets) for frame in timed(frames)] == [[1], [1], [1]]


def test_a_last_frame_that_stands_counts_for_all_its_time(run: Command, tmp_path: Path) -> None:
    ticks = [index * 512 for index in range(26)]
    for form in ("mp4", "mkv"):
        write_video(tmp_path / f"{form}.{form}", [face_frame()] * 26, ticks, last_ticks=3 * 12_800)
        assert run(f"{form}.{form}").returncode == 0
        summary = json.loads((tmp_path / "out" / form / "summary.json").read_text())
        assert summary["overall"]["face_seconds"] == pytest.approx(4, abs=0.01)
        assert run(f"{form}.{form}", "--overwrite", "--duration", 2).returncode == 0
        summary = json.loads((tmp_path / "out" / form / "summary.json").read_text())
        assert summary["overall"]["face_seconds"] == pytest.approx(2, abs=0.01)


class TestDurationsAtOnce:
    def test_a_frame_counts_for_the_time_since_the_one_before(self) -> None:
        frames = timed_at_once([answered(time_s, {}) for time_s in (1.0, 1.5, 3.0, 3.1)])
        assert [frame.duration_s for frame in frames] == pytest.approx([0, 0.5, 1.5, 0.1])

    def test_time_that_goes_backwards_is_not_counted_twice(self) -> None:
        frames = list(timed_at_once([answered(time_s, {1: [1, 0]}) for time_s in (0.0, 0.2, 0.1, 0.3)]))
        assert [frame.duration_s for frame in frames] == pytest.approx([0, 0.2, 0, 0.1])
        assert [frame.is_backwards for frame in frames] == [False, False, True, False]
        assert [list(frame.tracklets) for frame in frames] == [[1], [1], [2], [2]]

    def test_a_long_absence_starts_a_new_appearance(self) -> None:
        face: dict[int, list[float]] = {1: [0.5, 0.5]}
        frames = [
            answered(time_s, faces) for time_s, faces in [(0.0, face), (0.2, {}), (0.4, face), (1.0, {})]
        ]
        frames.append(answered(1.1, face))
        assert [list(frame.tracklets) for frame in timed_at_once(frames)] == [[1], [], [1], [], [2]]

"""Live use: no frame waits for another, and smoothing looks back only."""

import gc
import itertools
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fer_client import Analyzer, ArrayVideo, FaceRecord, InputError
from fer_client.settings import Settings
from fer_client.temporal.durations import timed_at_once
from fer_client.temporal.frame import AnalysedFrame
from fer_client.temporal.smoothing import smoothed_at_once
from support.command import Command, assert_fails
from support.protocol_server import ProtocolServer
from support.timelines import answered
from support.videos import default_frames, empty_frame, face_frame

PICTURES = [frame[..., ::-1] for frame in default_frames()[5:25]]


def analyzer(server: ProtocolServer, **options: Any) -> Analyzer:
    return Analyzer(url=server.url, detector="haar", **options)


class TestPipeline:
    def taken_in_step(self, analyzer: Analyzer) -> list[FaceRecord]:
        """Analyse frames of which the next one comes only once the record of the one before has come."""
        received: list[FaceRecord] = []

        def frames() -> Iterator[NDArray[np.uint8]]:
            for index, picture in enumerate(PICTURES):
                if len(received) < index:
                    raise BlockingIOError(f"frame {index} comes after record {index - 1}")
                yield picture

        for record in analyzer.records(ArrayVideo(frames(), fps=25)):
            received += [record]
        return received

    @pytest.mark.parametrize("options", [{}, {"fps": 25, "batch_size": 64, "duration_s": 60, "smooth_s": 0}])
    def test_a_record_comes_before_the_next_frame_is_asked_for(
        self, server: ProtocolServer, options: dict[str, Any]
    ) -> None:
        with analyzer(server, low_latency=True, **options) as live:
            assert [record.frame for record in self.taken_in_step(live)] == list(range(len(PICTURES)))

    def test_without_it_frames_are_asked_for_ahead(self, server: ProtocolServer) -> None:
        with analyzer(server) as ahead, pytest.raises(InputError, match="BlockingIOError: frame 1"):
            self.taken_in_step(ahead)

    def test_every_frame_is_detected_and_sent_by_itself(self, server: ProtocolServer) -> None:
        with analyzer(server, low_latency=True) as live:
            summary = live.summary(ArrayVideo(PICTURES, fps=25))
        assert summary["frames_detected"] == len(PICTURES)
        assert server.batches == [1] * summary["overall"]["faces"]
        assert server.most_under_way == 1
        assert summary["settings"]["low_latency"]
        assert "detect_every" not in summary["settings"]

    def test_answers_boxes_and_tracks_are_those_of_a_detection_on_every_frame(
        self, server: ProtocolServer
    ) -> None:
        shots = ArrayVideo([*PICTURES, empty_frame()[..., ::-1], *PICTURES[::-1]], fps=25)
        with analyzer(server, low_latency=True) as live, analyzer(server, detect_every=1) as recorded:
            found, expected = list(live.rows(shots)), list(recorded.rows(shots))
        assert any(row["track"] for row in found)
        for row, other in zip(found, expected, strict=True):
            assert {name: value for name, value in row.items() if not name.startswith("smooth_")} == {
                name: value for name, value in other.items() if not name.startswith("smooth_")
            }

    def test_no_thread_waits_for_a_frame_that_never_comes(self, server: ProtocolServer) -> None:
        def frames() -> Iterator[NDArray[np.uint8]]:
            yield face_frame()
            pytest.fail("nobody asks for it")

        with analyzer(server, low_latency=True) as live:
            before = {thread.name for thread in threading.enumerate()}
            for record in live.records(ArrayVideo(frames(), fps=25)):
                assert record.track == 1
                names = {thread.name for thread in threading.enumerate()} - before
                assert not [name for name in names if name.startswith(("prefetch", "faces"))]
                break

    def test_the_command_has_it_too(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        assert run(face_video, "--low-latency").returncode == 0
        summary = json.loads((tmp_path / "out" / "face" / "summary.json").read_text())
        assert summary["frames_detected"] == summary["frames_decoded"] == 30
        assert_fails(run(face_video), 2, "low_latency was True and is False", "--overwrite")


def timeline(values: list[float], interval_s: float = 0.1) -> list[AnalysedFrame]:
    return [answered(index * interval_s, {1: [1 - value, value]}) for index, value in enumerate(values)]


def smooth_values(frames: list[AnalysedFrame], window_s: float) -> list[float]:
    return [
        float(item.smoothed.expression[0, 1]) for item in smoothed_at_once(timed_at_once(frames), window_s)
    ]


class TestSmoothing:
    def test_an_impulse_becomes_a_triangles_past_half(self) -> None:
        """Window 0.4 s at 10 frames/s: of 1 - a / 0.4 the four tenths have areas of 7, 5, 3 and 1 sixteenth."""
        values = smooth_values(timeline([0, 0, 0, 0, 0, 1, 0, 0, 0, 0]), 0.4)
        assert values == pytest.approx([0] * 5 + [7 / 16, 5 / 16, 3 / 16, 1 / 16, 0], abs=1e-6)

    def test_uneven_times(self) -> None:
        """At 0.5 s the frame before lies 0.3 s back: 0 to 0.3 and 0.3 to 0.4 of the window have 15 and 1 sixteenth."""
        frames = [answered(time_s, {1: [1 - v, v]}) for time_s, v in [(0, 0.5), (0.2, 0.8), (0.5, 0.4)]]
        expected = [0.5, 0.8, 15 / 16 * 0.4 + 1 / 16 * 0.8]
        assert smooth_values(frames, 0.4) == pytest.approx(expected, abs=1e-5)

    def test_what_comes_later_changes_nothing(self) -> None:
        values = np.random.default_rng(0).uniform(0, 1, 30).tolist()
        whole = smooth_values(timeline(values), 0.5)
        assert smooth_values(timeline(values[:17]), 0.5) == whole[:17]

    def test_a_slope_lags_by_a_third_of_the_window(self) -> None:
        values = smooth_values(timeline([index / 1000 for index in range(1000)], 0.001), 0.3)
        assert 0.001 * 900 - values[900] == pytest.approx(0.3 / 3, abs=0.001)

    def test_nothing_is_averaged_across_a_gap_faces_or_times_that_start_again(self) -> None:
        frames = [
            answered(0.0, {1: [1, 0]}),
            answered(0.3, {2: [0, 1]}),
            answered(0.9, {1: [0, 1]}),
            answered(0.2, {1: [1, 0]}),
        ]
        assert smooth_values(frames, 10) == [0, 1, 1, 0]

    def test_zero_leaves_the_values_as_they_are(self) -> None:
        assert smooth_values(timeline([0.25, 1.0, 0.5]), 0) == [0.25, 1.0, 0.5]

    def test_memory_is_bounded_even_where_time_stands_still(self) -> None:
        held = smoothed_at_once(timed_at_once(answered(0.0, {}) for _ in range(9000)), 0.5)
        for _ in itertools.islice(held, 8000):
            pass
        assert sum(isinstance(thing, AnalysedFrame) for thing in gc.get_objects()) < 5000


class TestDurations:
    def test_a_frame_counts_for_the_time_since_the_one_before(self) -> None:
        frames = timed_at_once([answered(time_s, {}) for time_s in (1.0, 1.5, 3.0, 3.1)])
        assert [frame.duration_s for frame in frames] == pytest.approx([0, 0.5, 1.5, 0.1])

    def test_time_that_goes_backwards_is_not_counted_twice(self) -> None:
        frames = list(timed_at_once([answered(time_s, {1: [1, 0]}) for time_s in (0.0, 0.2, 0.1, 0.3)]))
        assert [frame.duration_s for frame in frames] == pytest.approx([0, 0.2, 0, 0.1])
        assert [frame.is_backwards for frame in frames] == [False, False, True, False]
        assert [list(frame.appearances) for frame in frames] == [[1], [1], [2], [2]]

    def test_a_long_absence_starts_a_new_appearance(self) -> None:
        face: dict[int, list[float]] = {1: [0.5, 0.5]}
        frames = [
            answered(time_s, faces) for time_s, faces in [(0.0, face), (0.2, {}), (0.4, face), (1.0, {})]
        ]
        frames.append(answered(1.1, face))
        assert [list(frame.appearances) for frame in timed_at_once(frames)] == [[1], [], [1], [], [2]]


def test_photographs_do_not_depend_on_it_and_films_then_not_on_the_segments() -> None:
    assert Settings(low_latency=True).as_record("photographs") == Settings().as_record("photographs")
    for kind in ("video", "stream", "sequence", "array"):
        once, again = (Settings(low_latency=True, detect_every=every).as_record(kind) for every in (1, 6))
        assert once == again != Settings().as_record(kind)

"""Live use: no frame waits for another."""

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
from support.command import Command, assert_fails
from support.protocol_server import ProtocolServer
from support.videos import default_frames, empty_frame, face_frame

PICTURES = [frame[..., ::-1] for frame in default_frames()[5:25]]


def analyzer(server: ProtocolServer, **options: Any) -> Analyzer:
    return Analyzer(url=server.url, detector="lumaface", **options)


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


def test_photographs_do_not_depend_on_it_and_films_then_not_on_the_segments() -> None:
    assert Settings(low_latency=True).as_record("photographs") == Settings().as_record("photographs")
    for kind in ("video", "stream", "sequence", "array"):
        once, again = (Settings(low_latency=True, detect_every=every).as_record(kind) for every in (1, 6))
        assert once == again != Settings().as_record(kind)

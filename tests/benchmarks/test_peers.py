"""Faces of two tools on the same frames."""

from pathlib import Path

import av
import pytest

from benchmarks.peers import beside, first_frames, peer_rows, times_as_fast
from support.videos import write_video


def face(x: int, expression: str = "happy") -> dict:
    return {"x": x, "y": 0, "w": 40, "h": 40, "expression": expression}


def test_shares_are_of_our_faces_and_of_the_expressions_on_those_that_both_have() -> None:
    ours = peer_rows([[face(0), face(100)], [face(0)], [], [face(0)]])
    theirs = peer_rows([[face(3)], [face(0, "sad")], [face(50)], []])
    assert beside(ours, theirs) == {
        "found": 2,
        "share_of_faces": 0.5,
        "extra": 1,
        "share_of_expressions": 0.5,
    }


def test_without_faces_there_are_no_shares() -> None:
    found = beside(peer_rows([[], []]), peer_rows([[face(0)], []]))
    assert (found["share_of_faces"], found["share_of_expressions"], found["extra"]) == (None, None, 1)


def test_times_as_fast_is_the_median_of_runs_side_by_side() -> None:
    clip = {
        "tools": [
            {"name": "fer-client", "runs": [{"frames_per_s": value} for value in (100, 200, 90)]},
            {"name": "fer, haar", "runs": [{"frames_per_s": value} for value in (10, 40, 10)]},
        ]
    }
    assert times_as_fast(clip, clip["tools"][1], "frames_per_s") == pytest.approx(9)


def test_the_first_frames_are_those_of_the_video(tmp_path: Path) -> None:
    times = write_video(tmp_path / "whole.mp4")
    first_frames(tmp_path / "whole.mp4", tmp_path / "first.mkv", 12)
    with av.open(str(tmp_path / "first.mkv")) as container:
        came = [frame.time for frame in container.decode(video=0)]
    assert len(came) == 12
    assert all(any(abs(time - one) < 2e-3 for one in times) for time in came)

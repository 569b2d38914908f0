"""Clips like those of the original's table, and how the rows stand beside it."""

from pathlib import Path

import av
import pytest

from benchmarks.original import ROWS, write_clip
from support.videos import face_frame, write_video


def test_a_made_clip_has_the_length_the_size_and_the_bytes(tmp_path: Path) -> None:
    write_video(tmp_path / "source.mp4", [face_frame(index) for index in range(5)])
    made = tmp_path / "made.mov"
    write_clip(tmp_path / "source.mp4", made, length_s=0.5, megabytes=0.8)
    # The encoder's threads look at one another, so half a second is not always of the same size.
    assert made.stat().st_size == pytest.approx(0.8e6, rel=0.5)
    with av.open(str(made)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 15
    assert {(frame.width, frame.height) for frame in frames} == {(1920, 1080)}
    assert frames[-1].time == pytest.approx(14 / 30, abs=1e-3)


def test_the_rows_are_those_of_the_original() -> None:
    assert [row.processing_s for row in ROWS] == [87.56, 107.68, 137.13, 158.06, 384, 973.24]
    assert len({row.name for row in ROWS}) == len(ROWS)

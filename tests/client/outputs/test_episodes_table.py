"""The table of episodes."""

from pathlib import Path

from support.command import Command, read_rows
from support.videos import face_frame, write_video


def test_short_episodes_are_left_out(run: Command, tmp_path: Path) -> None:
    write_video(tmp_path / "brief.mp4", [face_frame()] * 3, [0, 512, 1024])
    run("brief.mp4")
    assert read_rows(tmp_path / "out" / "brief" / "episodes.csv") == []
    run("brief.mp4", "--min-episode", 0.1, "--overwrite")
    assert len(read_rows(tmp_path / "out" / "brief" / "episodes.csv")) == 1

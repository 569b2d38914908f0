"""Photographs, each by itself: one that cannot be read stops no other."""

import json
import os
from pathlib import Path

import pytest

from support.command import Command, assert_fails, read_rows


class TestPhotographs:
    def test_a_folder_gives_one_table_with_a_row_per_face(
        self, run: Command, photographs: Path, tmp_path: Path
    ) -> None:
        done = run(photographs.name)
        assert done.returncode == 0, done.stderr
        assert "3 of 3 photographs" in done.stdout
        folder = tmp_path / "out" / "photos" / "photographs"
        rows = read_rows(folder / "faces.csv")
        assert [(row["source"], row["frame"], row["expression"] != "", row["track"]) for row in rows] == [
            ("2 face.png", "0", True, ""),
            ("10 face.jpg", "1", True, ""),
            ("11 empty.webp", "2", False, ""),
        ]
        assert rows[0]["smooth_expression"] == rows[0]["expression"]
        summary = json.loads((folder / "summary.json").read_text())
        assert (summary["overall"]["faces"], summary["overall"]["face_seconds"]) == (2, 0)
        assert sum(summary["overall"]["share"].values()) == pytest.approx(1)
        assert read_rows(folder / "episodes.csv") == []

    def test_a_photograph_by_itself(self, run: Command, photographs: Path, tmp_path: Path) -> None:
        assert run(photographs / "2 face.png").returncode == 0
        assert len(read_rows(tmp_path / "out" / "2 face" / "faces.csv")) == 1

    def test_one_that_cannot_be_read_stops_no_other(
        self, run: Command, photographs: Path, tmp_path: Path
    ) -> None:
        (photographs / "1 cut.jpg").write_bytes((photographs / "10 face.jpg").read_bytes()[:3000])
        assert_fails(run("photos"), 3, "1 cut.jpg", "expected a picture")
        assert len(read_rows(tmp_path / "out" / "photos" / "photographs" / "faces.csv")) == 3
        assert_fails(run("photos"), 3, "1 cut.jpg")

    def test_one_without_permission_stops_no_other(
        self, run: Command, photographs: Path, tmp_path: Path
    ) -> None:
        closed = photographs / "2 face.png"
        closed.chmod(0)
        if os.access(closed, os.R_OK):
            pytest.skip("this user may read everything")
        assert_fails(run("photos"), 3, "2 face.png", "Permission denied")
        assert len(read_rows(tmp_path / "out" / "photos" / "photographs" / "faces.csv")) == 2

    def test_none_that_can_be_read(self, run: Command, tmp_path: Path) -> None:
        (tmp_path / "photos").mkdir()
        (tmp_path / "photos" / "a.jpg").write_bytes(b"no picture")
        assert_fails(run("photos"), 3, "a.jpg")
        assert_fails(run("photos/a.jpg"), 3, "a.jpg")
        assert not list((tmp_path / "out").rglob("faces.csv"))

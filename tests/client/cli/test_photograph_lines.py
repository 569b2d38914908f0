"""Photographs on the terminal: a line each."""

from pathlib import Path

import cv2

from support.command import Command
from support.protocol_server import LABELS
from support.videos import empty_frame, face_frame


class TestPhotographs:
    def test_a_line_each(self, run: Command, tmp_path: Path) -> None:
        both = face_frame()
        for name, picture in (("a [1].png", both), ("b.png", empty_frame())):
            (tmp_path / "photos").mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / "photos" / name), picture)
        for done in (run("photos"), run("photos")):  # the second was done before
            lines = [line.strip() for line in done.stdout.splitlines()]
            (told,) = [line for line in lines if line.startswith("a [1].png: ")]
            assert told.split()[2:4] == ["1", "face,"]
            assert told.split()[4] in LABELS
            assert told.endswith(" %")
            assert "b.png: no face" in lines

    def test_only_the_first_of_many(self, run: Command, tmp_path: Path) -> None:
        (tmp_path / "photos").mkdir()
        for number in range(23):
            cv2.imwrite(str(tmp_path / "photos" / f"{number}.png"), empty_frame()[:64, :64])
        lines = [line.strip() for line in run("photos").stdout.splitlines()]
        assert sum(line.endswith(": no face") for line in lines) == 20
        assert "and 3 more photographs, in the table" in lines

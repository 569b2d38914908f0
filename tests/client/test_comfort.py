"""What makes the command easy to use: help, short options, completion, and results on the terminal."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from support.command import Command
from support.protocol_server import LABELS, ProtocolServer
from support.videos import empty_frame, face_frame


class TestHelp:
    def test_short_forms(self, run: Command, command: Command, face_video: Path, tmp_path: Path) -> None:
        assert command("-h").stdout == command("--help").stdout
        assert "--url" in command("doctor", "-h").stdout
        assert run(face_video, "-o", "there", "--fps", "1").returncode == 0
        assert (tmp_path / "there" / "face" / "faces.csv").exists()

    def test_examples_stand_on_lines_of_their_own(self, command: Command) -> None:
        lines = [line.strip() for line in command("--help").stdout.splitlines()]
        assert "fer-client interview.mp4" in lines
        assert "fer-client study/ --fps 5 -o results" in lines
        assert any(line.startswith("fer-client doctor") for line in lines)

    @pytest.mark.parametrize(
        ("words", "completed"),
        [
            ("fer-client --form", ["--format"]),
            ("fer-client a.mp4 --format ", ["csv", "jsonl", "parquet", "xlsx"]),
            ("fer-client --format p", ["parquet"]),
            ("fer-client --detector ", ["auto", "yunet", "haar"]),
        ],
    )
    def test_a_shell_completes(self, words: str, completed: list[str]) -> None:
        asked = {
            "_FER_CLIENT_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split(" ")) - 1),
        }
        done = subprocess.run(
            [sys.executable, "-m", "fer_client"],
            env=os.environ | asked,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == completed
        assert done.stderr == ""

    def test_the_completion_can_be_installed(self, command: Command) -> None:
        assert "--install-completion" in command("--help").stdout


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


class TestEarlierResults:
    def test_one_input_is_shown_again(self, run: Command, face_video: Path) -> None:
        first, second = run(face_video), run(face_video)
        assert second.stdout.startswith("face.mp4: done before")
        table = [line for line in first.stdout.splitlines() if line.strip().startswith("1 ")]
        assert table
        assert set(table) <= set(second.stdout.splitlines())
        assert "episodes.csv, faces.csv, summary.json" in second.stdout

    def test_of_several_each_has_one_line(
        self, run: Command, face_video: Path, tmp_path: Path, server: ProtocolServer
    ) -> None:
        (tmp_path / "b.mp4").write_bytes(face_video.read_bytes())
        run(face_video, "b.mp4")
        lines = run(face_video, "b.mp4").stdout.splitlines()
        assert [line.split(":")[0] for line in lines] == ["face.mp4", "b.mp4", "Wrote out/"]
        assert server.batches

    def test_without_a_face(self, run: Command, tmp_path: Path) -> None:
        cv2.imwrite(str(tmp_path / "a.png"), empty_frame())
        run("a.png")
        assert "No face was found" in run("a.png").stdout

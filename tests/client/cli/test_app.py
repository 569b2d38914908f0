"""The options of the command: help, completion, and one sentence for a wrong value."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.command import Command, assert_fails, start
from support.protocol_server import ProtocolServer


def test_a_run_imports_nothing_that_it_does_not_use(
    face_video: Path, tmp_path: Path, server: ProtocolServer
) -> None:
    arguments = [face_video, "--url", server.url, "--detector", "lumaface"]
    done = start(arguments, tmp_path, PYTHONPROFILEIMPORTTIME="1")
    _, told = done.communicate()
    assert done.returncode == 0, told
    imported = {
        line.rpartition("|")[2].strip() for line in told.splitlines() if line.startswith("import time:")
    }
    assert {"fer_client.cli.session", "fer_client.media.video"} <= imported
    unused = (
        "fer_client.visuals",
        "fer_client.cli.live",
        "fer_client.cli.batch",
        "imagesize",
        "urllib.request",
    )
    assert not imported.intersection(unused)


class TestOptions:
    @pytest.mark.parametrize(
        ("option", "value", "word"),
        [
            ("--fps", "0", "above 0"),
            ("--fps", "many", "--fps"),
            ("--detect-every", "0", "from 1"),
            ("--smooth", "-1", "from 0 to 10"),
            ("--min-confidence", "1", "from 0 to below 1"),
            ("--min-episode", "-1", "from 0 to 60"),
            ("--duration", "0", "above 0"),
            ("--duration", "inf", "finite"),
            ("--sequence-fps", "0", "above 0"),
            ("--photo-side", "1", "from 64"),
            ("--batch-size", "0", "from 1"),
            ("--in-flight", "0", "from 1"),
            ("--timeout", "-1", "above 0"),
            ("--format", "ods", "csv, jsonl, parquet, xlsx"),
            ("--detector", "retina", "yunet"),
            ("--detector-model", "nowhere.onnx", "Leave one out"),
            ("--min-score", "2", "between 0 and 1"),
            ("--min-face", "0", "from 1"),
            ("--workers", "0", "from 1"),
            ("--detection-side", "1", "from 64"),
            ("--colour", "red", "--colour"),
        ],
    )
    def test_a_wrong_value_is_named(
        self, run: Command, face_video: Path, option: str, value: str, word: str
    ) -> None:
        assert_fails(run(face_video, option, value), 2, word)

    def test_no_video_is_wrong_usage(self, command: Command) -> None:
        assert_fails(command(), 2, "INPUT", "--help")

    def test_help_says_what_partial_is_for(self, command: Command) -> None:
        assert "what can be read of a damaged video; of photographs" in " ".join(
            command("--help").stdout.split()
        )

    def test_help_names_the_options(self, command: Command) -> None:
        done = command("--help")
        assert done.returncode == 0
        assert "--fps" in done.stdout

    def test_version(self, command: Command) -> None:
        assert command("--version").stdout.startswith("fer-client 0.")


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
            ("fer-client --detector ", ["auto", "lumaface", "yunet"]),
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

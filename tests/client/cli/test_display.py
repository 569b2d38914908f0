"""What a person sees on the terminal: while it works, at the end, and of results of before."""

import io
import json
import os
import pty
import re
import select
import signal
import threading
from contextlib import suppress
from pathlib import Path

import cv2
import pytest
from rich.console import Console

from fer_client.cli.display import print_summary
from support.command import Command, start
from support.protocol_server import ProtocolServer
from support.videos import (
    empty_frame,
    face_frame,
    uneven_ticks,
    write_video,
)
from support.web import web


def test_what_is_uncertain_shows(run: Command, face_video: Path, tmp_path: Path) -> None:
    """The test server's highest probability is about 0.3."""
    done = run(face_video)
    assert "mean confidence" in done.stdout
    written = json.loads((tmp_path / "out" / "face" / "summary.json").read_text())
    confidence = written["overall"]["mean_confidence"]
    assert 0.1 < confidence < 0.5
    assert f"{100 * confidence:.0f} %" in done.stdout
    assert written["overall"]["share"]["uncertain"] == 1
    assert "uncertain 100 %" in done.stdout
    assert "mostly uncertain, 100 %" in run(face_video).stdout
    done = run(face_video, "--min-confidence", 0)
    assert "min_confidence was 0.5 and is 0.0" in done.stderr
    assert "uncertain" not in done.stdout


@pytest.mark.parametrize(("min_confidence", "is_dim"), [(0.0, False), (0.9, True)])
def test_low_confidence_is_dim(
    run: Command, face_video: Path, tmp_path: Path, min_confidence: float, is_dim: bool
) -> None:
    result = json.loads(run(face_video, "--json", "--min-confidence", 0).stdout)["results"][0]
    told = io.StringIO()
    console = Console(file=told, force_terminal=True, color_system="standard", width=200)
    print_summary(console, result, tmp_path / "out" / "face", min_confidence)
    assert ("\x1b[2m" in told.getvalue()) == is_dim


def test_a_warning_reaches_no_terminal_unescaped(run: Command, face_video: Path, tmp_path: Path) -> None:
    result = json.loads(run(face_video, "--json").stdout)["results"][0]
    told = io.StringIO()
    print_summary(Console(file=told), result | {"warnings": ["\x1b]0;title\x07"]}, tmp_path / "out" / "face")
    assert "Note: \\x1b]0;title\\x07" in told.getvalue()


def test_a_quiet_run_says_where_the_files_are(run: Command, face_video: Path) -> None:
    done = run(face_video)
    assert "episodes.csv, faces.csv, summary.json" in done.stdout
    assert done.stderr == ""


class TestNames:
    def test_brackets_in_a_name_are_shown(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        (tmp_path / "talk [official].mp4").write_bytes(face_video.read_bytes())
        done = run("talk [official].mp4")
        assert "talk [official].mp4: 30 of 30" in done.stdout
        assert "out/talk [official]/" in done.stdout


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
        assert "a.png: 1 of 1 photograph in" in run("a.png").stdout
        assert "No face was found in the one analysed photograph." in run("a.png").stdout

    def test_a_single_face_in_a_photograph(self, run: Command, tmp_path: Path) -> None:
        cv2.imwrite(str(tmp_path / "a.png"), face_frame())
        (line,) = [line for line in run("a.png").stdout.splitlines() if line.split()[:1] == ["all"]]
        assert line.split()[1:3] == ["1", "face"]


class TestLive:
    def test_the_terminal_tells_what_faces_show_at_present(
        self, server: ProtocolServer, tmp_path: Path
    ) -> None:
        write_video(tmp_path / "cam.ts", [face_frame()] * 60, uneven_ticks(60))
        terminal, stderr = pty.openpty()
        with web(tmp_path, closing := threading.Event()) as address:
            arguments = [f"{address}/live/cam.ts", "--detector", "lumaface", "--url", server.url]
            process = start([*arguments, "--batch-size", "4"], tmp_path, stderr=stderr, TERM="xterm")
            os.close(stderr)
            told = b""
            while not re.search(rb"face 1 [a-z]+ \d+ %", told):
                told += os.read(terminal, 1024)  # an error once the command has ended
            process.send_signal(signal.SIGINT)
            while process.poll() is None and select.select([terminal], [], [], 60)[0]:
                with suppress(OSError):
                    os.read(terminal, 1024)
            process.communicate(timeout=60)
            closing.set()
        os.close(terminal)
        assert process.returncode == 0
        assert b"cam.ts" in told

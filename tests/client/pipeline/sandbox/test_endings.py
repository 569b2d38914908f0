"""How a process that decodes ends: crashed, killed, hanging or talking nonsense."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fer_client.pipeline.sandbox import messages, process
from fer_client.pipeline.sandbox.child import at_work
from fer_client.pipeline.sandbox.confinement import obstacle
from support.command import Command, Done, assert_fails, start
from support.disturbed import decoder_of
from support.protocol_server import ProtocolServer
from support.videos import empty_frame, write_picture, write_video

pytestmark = pytest.mark.skipif(obstacle() is not None, reason=f"no sandbox here: {obstacle()}")

PATIENCE_S = 250
"""For what takes a second on a machine with nothing else to do."""


def crashing(tmp_path: Path, where: str) -> list[str]:
    """Return a command of a decoder that a picture named bad.png, or any video, makes access memory that is none."""
    (tmp_path / "crashing.py").write_text(
        "import ctypes\nfrom fer_client.media import video\nfrom fer_client.pipeline import photos\n"
        "from fer_client.pipeline.sandbox import child\n"
        "def crash(whole, *arguments):\n"
        f"    return ctypes.string_at(0) if '{where}' in str(arguments[0]) else whole(*arguments)\n"
        "picture, frames = photos.read_picture, video._frame\n"
        "photos.read_picture = lambda *arguments: crash(picture, *arguments)\n"
        "video._frame = lambda index, *rest: ctypes.string_at(0) if index == 3 else frames(index, *rest)\n"
        "child.main()\n"
    )
    return [sys.executable, str(tmp_path / "crashing.py")]


def test_a_crash_ends_one_input(
    run: Command, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_video(tmp_path / "a.mp4")
    monkeypatch.setattr(process, "_COMMAND", crashing(tmp_path, "nothing"))
    assert_fails(run("a.mp4", photographs, "--sandbox"), 3, "a.mp4", "the process that decodes it", "SIGSEGV")
    assert not (tmp_path / "out" / "a").exists()
    rows = (tmp_path / "out" / "photos" / "photographs" / "faces.csv").read_text().splitlines()
    assert len(rows) == 4


def test_a_photograph_that_crashes_stops_no_other(
    run: Command, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(photographs, "-o", "whole").returncode == 0
    for name in ("3 bad.png", "4 bad.png"):
        write_picture(photographs / name, empty_frame())
    monkeypatch.setattr(process, "_COMMAND", crashing(tmp_path, "bad.png"))
    done = run(photographs, "--sandbox")
    assert done.returncode == 3
    assert [line.partition(": expected")[0] for line in done.stderr.splitlines()] == [
        f"fer-client: {photographs}/{name}" for name in ("3 bad.png", "4 bad.png")
    ]
    folders = (tmp_path / out / "photos" / "photographs" for out in ("whole", "out"))
    whole, found = ((folder / "faces.csv").read_text().splitlines() for folder in folders)
    without_place = [[row.split(",")[1:] for row in rows] for rows in (whole, found)]
    assert without_place[0] == without_place[1]


@pytest.mark.parametrize("says", ["b'garbage' * 1000", "b'\\x02\\0\\0\\0[]'", "b'\\x09\\0\\0\\0{\"kind\":1'"])
def test_what_is_no_message_ends_in_a_sentence(
    run: Command, face_video: Path, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    code = f"import sys; sys.stdin.buffer.read(); sys.stdout.buffer.write({says})"
    monkeypatch.setattr(process, "_COMMAND", [sys.executable, "-c", code])
    assert_fails(run(face_video, "--sandbox"), 3, "face.mp4", "expected an input that can be")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)]
)
def test_no_process_is_left(
    face_video: Path, tmp_path: Path, server: ProtocolServer, number: signal.Signals, code: int
) -> None:
    client, decoder = working_client(tmp_path, server, face_video)
    status = Path(f"/proc/{decoder}/status").read_text()
    assert "Seccomp:\t2" in status
    assert "NoNewPrivs:\t1" in status
    assert b"secret" not in Path(f"/proc/{decoder}/environ").read_bytes()
    client.send_signal(number)
    client.communicate(timeout=PATIENCE_S)
    assert client.returncode == code
    wait_until_gone(decoder)
    assert not list(tmp_path.glob("out/[!.]*"))


def test_a_decoder_that_is_killed_ends_one_input(
    face_video: Path, tmp_path: Path, server: ProtocolServer
) -> None:
    shutil.copy(face_video, tmp_path / "other.mp4")
    client, decoder = working_client(tmp_path, server, "other.mp4", face_video)
    os.kill(decoder, signal.SIGKILL)
    server.hang.set()
    done = Done(0, *client.communicate(timeout=PATIENCE_S))._replace(returncode=client.returncode)
    assert_fails(done, 3, "other.mp4", "SIGKILL")
    assert [path.name for path in (tmp_path / "out").glob("*/")] == ["face"]


@pytest.fixture
def standing_still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stop a process that decodes as soon as it is there, and have the client wait for a moment alone."""
    start, started = process._start, []

    def start_and_stop() -> "subprocess.Popen[bytes]":
        started.append(start())
        started[-1].send_signal(signal.SIGSTOP)
        return started[-1]

    monkeypatch.setattr(process, "_start", start_and_stop)
    monkeypatch.setattr(process, "_SILENT_S", 0.05)
    yield
    assert started
    assert {decoder.poll() for decoder in started} == {-signal.SIGKILL}


@pytest.mark.usefixtures("standing_still")
def test_a_decoder_that_hangs_ends_one_input(run: Command, face_video: Path) -> None:
    assert_fails(run(face_video, "--sandbox"), 3, "face.mp4", "stopped after 0.05 s without a frame")


def test_frames_of_which_none_is_analysed_are_told_of() -> None:
    now_s, told = 0.0, []
    check = at_work(told.append, lambda: now_s)
    for now_s in (0.5, 1.5, 2.0, 2.6):  # noqa: B007 - read by the clock
        check()
    assert told == 2 * [messages.message(messages.AT_WORK)]


def test_what_tells_of_them_is_no_frame(
    run: Command, face_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = messages.message(messages.AT_WORK) + messages.message(messages.FAILED, sentence="as it should")
    code = f"import sys; sys.stdin.buffer.read(); sys.stdout.buffer.write({said!r})"
    monkeypatch.setattr(process, "_COMMAND", [sys.executable, "-c", code])
    assert_fails(run(face_video, "--sandbox"), 3, "as it should")


def working_client(
    folder: Path, server: ProtocolServer, *inputs: object
) -> "tuple[subprocess.Popen[str], int]":
    """Start the client and let it wait for an answer, its decoder for room in the pipe; return both."""
    server.hang.clear()
    options = [
        "--url",
        server.url,
        "--detector",
        "lumaface",
        "--batch-size",
        1,
        "--in-flight",
        1,
        "--sandbox",
    ]
    client = start([*inputs, *options], folder, FER_TRITON_TOKEN="secret", AWS_SECRET_ACCESS_KEY="secret")
    assert server.asked.wait(PATIENCE_S)
    return client, decoder_of(client.pid)


def wait_until_gone(pid: int) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < until_s
        time.sleep(0.01)

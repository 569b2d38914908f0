"""`--sandbox`: what a confined process may not do, that tables are the same, and how it ends."""

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fer_client import Analyzer, ArrayVideo, UsageError
from fer_client.faces.alignment import FaceCrops
from fer_client.media.frame import VideoInfo
from fer_client.pipeline.sandbox import messages, process
from fer_client.pipeline.sandbox.confinement import obstacle
from support.command import Command, Done, assert_fails, start
from support.heif import write_tiles
from support.protocol_server import ProtocolServer
from support.videos import empty_frame, face_frame, write_picture, write_video

needs_sandbox = pytest.mark.skipif(obstacle() is not None, reason=f"no sandbox here: {obstacle()}")

PATIENCE_S = 250
"""For what takes a second on a machine with nothing else to do."""

TRIED = """
import ctypes, json, mmap, os, resource, signal, socket, subprocess, sys, threading
from pathlib import Path
from fer_client.pipeline.sandbox.confinement import confine

folder, port = sys.argv[1], int(sys.argv[2])
mine, other, parent = folder + "/mine", folder + "/other", os.getppid()
libc = ctypes.CDLL(None, use_errno=True)

def call(number, *values):
    if libc.syscall(number, *values) < 0:
        raise OSError(ctypes.get_errno(), "")

def in_a_thread(function):
    def note():
        try:
            function()
        except OSError as error:
            raised.append(error)
    raised = []
    thread = threading.Thread(target=note)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]

tried = {
    "read its file": lambda: open(mine, "rb").read(),
    "start a thread": lambda: in_a_thread(lambda: None),
    "read another file": lambda: open(other, "rb"),
    "read another file in a thread": lambda: in_a_thread(lambda: open(other, "rb")),
    "read a file of the system": lambda: open("/etc/passwd", "rb"),
    "list a folder": lambda: os.listdir(folder),
    "write its file": lambda: open(mine, "r+b"),
    "empty its file": lambda: os.open(mine, os.O_RDONLY | os.O_TRUNC),
    "create a file": lambda: os.open(folder + "/new", os.O_RDONLY | os.O_CREAT),
    "create a file without a name": lambda: os.open(folder, os.O_RDWR | os.O_TMPFILE),
    "write a device": lambda: os.open("/dev/null", os.O_WRONLY),
    "delete": lambda: os.unlink(mine),
    "rename": lambda: os.rename(mine, folder + "/new"),
    "link": lambda: os.link(mine, folder + "/new"),
    "link by name": lambda: os.symlink(mine, folder + "/new"),
    "make a folder": lambda: os.mkdir(folder + "/new"),
    "change rights": lambda: os.chmod(mine, 0o777),
    "change dates": lambda: os.utime(mine),
    "connect": lambda: socket.create_connection(("127.0.0.1", port)),
    "make a datagram socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "make a local socket": lambda: socket.socket(socket.AF_UNIX),
    "fork": lambda: os.fork() or os._exit(0),
    "become a program": lambda: os.execv("/bin/true", ["true"]),
    "start a program": lambda: subprocess.run(["/bin/true"], check=True),
    "new name spaces": lambda: call(272, 0x10000000),
    "signal": lambda: os.kill(parent, 0),
    "trace": lambda: call(101, 16, parent, None, None),
    "read another's memory": lambda: call(310, parent, None, 0, None, 0, 0),
    "open another's memory": lambda: open(f"/proc/{parent}/mem", "rb"),
    "outlive the client": lambda: call(157, 1, 0, 0, 0, 0),
    "raise a limit": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1)),
    "take more memory": lambda: mmap.mmap(-1, 9 << 30),
    "queue work in the kernel": lambda: call(425, 1, bytes(200)),
}
confine([Path(mine), Path(folder), Path(folder + "/nothing")], 8 << 30)
outcomes = {}
for name, action in tried.items():
    try:
        action()
        outcomes[name] = "done"
    except (OSError, ValueError) as error:
        outcomes[name] = str(error)
print(json.dumps(outcomes))
"""

WITHOUT_LANDLOCK = """
import ctypes, struct, sys
from fer_client.pipeline.sandbox import confinement as c

program = [(c._LOAD, 0, 0, c._NUMBER), (c._JUMP_IF_EQUAL, 0, 1, 444), (c._RETURN, 0, 0, c._RET_ERRNO | 38)]
program += [(c._RETURN, 0, 0, c._RET_ALLOW)]
c._instructions = lambda: program
c._check(c._libc().prctl(38, 1, 0, 0, 0))
c._filter_calls()
from fer_client.__main__ import main
main()
"""
"""A kernel that knows no Landlock, as those before Linux 5.13."""


@needs_sandbox
class TestConfinement:
    def test_what_a_confined_process_can_do(self, tmp_path: Path) -> None:
        for name in ("mine", "other"):
            (tmp_path / name).write_bytes(b"data")
        with socket.create_server(("127.0.0.1", 0)) as listening:
            done = subprocess.run(
                [sys.executable, "-c", TRIED, tmp_path, str(listening.getsockname()[1])],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        outcomes = json.loads(done.stdout)
        assert [name for name, outcome in outcomes.items() if outcome == "done"] == [
            "read its file",
            "start a thread",
        ]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "other"]
        assert (tmp_path / "mine").read_bytes() == b"data"

    def test_a_process_with_threads_is_not_taken_for_confined(self) -> None:
        code = (
            "import threading\nfrom fer_client.pipeline.sandbox.confinement import confine\n"
            "threading.Thread(target=threading.Event().wait, daemon=True).start()\nconfine([], 1 << 40)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
        )
        assert "expected a process with one thread" in done.stderr


def tables(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*.csv"))}


def both(run: Command, tmp_path: Path, *arguments: object) -> tuple[Done, Done]:
    """Run without a sandbox and with one, and hold the tables against each other."""
    plain, confined = run(*arguments, "-o", "plain"), run(*arguments, "-o", "confined", "--sandbox")
    assert tables(tmp_path / "plain") == tables(tmp_path / "confined")
    return plain, confined


@needs_sandbox
class TestTables:
    """Byte by byte as without it."""

    def test_of_a_video(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        plain, confined = both(run, tmp_path, face_video)
        assert (plain.returncode, confined.returncode) == (0, 0), confined.stderr
        summaries = [
            json.loads((tmp_path / out / "face" / "summary.json").read_text())
            for out in ("plain", "confined")
        ]
        for summary in summaries:
            assert summary.pop("stage_seconds").keys() >= {"decode", "detect", "crop"}
        assert summaries[0] == summaries[1]

    def test_of_a_part_of_a_video(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        both(run, tmp_path, face_video, "--fps", 10, "--duration", 1, "--workers", 1)

    def test_of_a_folder_of_everything(self, run: Command, photographs: Path, tmp_path: Path) -> None:
        (photographs / "1 cut.jpg").write_bytes((photographs / "10 face.jpg").read_bytes()[:3000])
        if find_spec("pillow_heif"):
            upright = cv2.resize(face_frame(), (512, 384))
            write_tiles(photographs / "12 phone.heic", np.ascontiguousarray(np.rot90(upright)), 128, 3)
        pictures, ticks = [face_frame(4 * index) for index in range(6)], range(0, 3072, 512)
        write_video(photographs / "a.mkv", pictures, ticks, codec="ffv1", pixel_format="yuv422p10le")
        write_video(photographs / "b.webm", pictures, ticks, codec="libvpx-vp9")
        write_video(tmp_path / "c.apng", pictures, ticks, codec="apng", pixel_format="rgb24")
        (tmp_path / "c.apng").rename(photographs / "c.png")
        plain, confined = both(run, tmp_path, photographs)
        assert (plain.returncode, plain.stderr) == (confined.returncode, confined.stderr)
        assert plain.returncode == 3

    def test_of_a_sequence(self, run: Command, tmp_path: Path) -> None:
        (tmp_path / "shots").mkdir()
        for number in range(3):
            write_picture(tmp_path / "shots" / f"{number}.png", face_frame(number))
        plain, confined = both(run, tmp_path, "shots", "--sequence-fps", 5)
        assert (plain.returncode, confined.returncode) == (0, 0), confined.stderr

    def test_of_a_damaged_video(self, run: Command, tmp_path: Path) -> None:
        write_video(tmp_path / "cut.mkv")
        (tmp_path / "cut.mkv").write_bytes((tmp_path / "cut.mkv").read_bytes()[:-2000])
        (tmp_path / "none.mp4").write_bytes(b"no video")
        plain, confined = both(run, tmp_path, "cut.mkv", "none.mp4", "nowhere.mp4")
        assert plain.returncode == confined.returncode == 3
        assert sorted(plain.stderr.splitlines()) == sorted(confined.stderr.splitlines())
        plain, confined = both(run, tmp_path, "cut.mkv", "--partial")
        assert (plain.returncode, confined.returncode) == (0, 0), confined.stderr

    def test_frames_of_a_program_are_decoded_already(self, server: ProtocolServer) -> None:
        video = ArrayVideo(np.stack([face_frame()] * 2), fps=25)
        with Analyzer(url=server.url, detector="lumaface", sandbox=True) as analyzer:
            assert len(analyzer.analyze(video).rows) == 2


class TestRefusals:
    @pytest.mark.parametrize("option", ["--annotate", "--anonymize", "--report", "--low-latency"])
    def test_what_would_decode_outside(self, run: Command, face_video: Path, option: str) -> None:
        assert_fails(run(face_video, "--sandbox", option), 2, "--sandbox", option, "Leave one out")

    @needs_sandbox
    def test_an_address(self, run: Command) -> None:
        assert_fails(run("rtsp://me:secret@camera/1", "--sandbox"), 2, "rtsp://camera/1", "Save it as a file")
        with Analyzer(detector="lumaface", sandbox=True) as analyzer, pytest.raises(UsageError, match="Save"):
            analyzer.records("http://127.0.0.1:9/talk.mp4")

    @needs_sandbox
    def test_a_system_without_it(self, face_video: Path, tmp_path: Path, server: ProtocolServer) -> None:
        arguments = [face_video, "--url", server.url, "--detector", "lumaface", "--sandbox"]
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_LANDLOCK, *map(str, arguments)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert_fails(
            Done(done.returncode, done.stdout, done.stderr), 2, "--sandbox", "no Landlock", "container"
        )
        assert not (tmp_path / "out").exists()


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


@needs_sandbox
class TestEndings:
    def test_a_crash_ends_one_input(
        self, run: Command, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_video(tmp_path / "a.mp4")
        monkeypatch.setattr(process, "_COMMAND", crashing(tmp_path, "nothing"))
        assert_fails(
            run("a.mp4", photographs, "--sandbox"), 3, "a.mp4", "the process that decodes it", "SIGSEGV"
        )
        assert not (tmp_path / "out" / "a").exists()
        rows = (tmp_path / "out" / "photos" / "photographs" / "faces.csv").read_text().splitlines()
        assert len(rows) == 4

    def test_a_photograph_that_crashes_stops_no_other(
        self, run: Command, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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

    @pytest.mark.parametrize(
        "says", ["b'garbage' * 1000", "b'\\x02\\0\\0\\0[]'", "b'\\x09\\0\\0\\0{\"kind\":1'"]
    )
    def test_what_is_no_message_ends_in_a_sentence(
        self, run: Command, face_video: Path, monkeypatch: pytest.MonkeyPatch, says: str
    ) -> None:
        code = f"import sys; sys.stdin.buffer.read(); sys.stdout.buffer.write({says})"
        monkeypatch.setattr(process, "_COMMAND", [sys.executable, "-c", code])
        assert_fails(run(face_video, "--sandbox"), 3, "face.mp4", "expected an input that can be")

    @pytest.mark.parametrize(
        ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)]
    )
    def test_no_process_is_left(
        self, face_video: Path, tmp_path: Path, server: ProtocolServer, number: signal.Signals, code: int
    ) -> None:
        client, decoder = at_work(tmp_path, server, face_video)
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
        self, face_video: Path, tmp_path: Path, server: ProtocolServer
    ) -> None:
        shutil.copy(face_video, tmp_path / "other.mp4")
        client, decoder = at_work(tmp_path, server, "other.mp4", face_video)
        os.kill(decoder, signal.SIGKILL)
        server.hang.set()
        done = Done(0, *client.communicate(timeout=PATIENCE_S))._replace(returncode=client.returncode)
        assert_fails(done, 3, "other.mp4", "SIGKILL")
        assert [path.name for path in (tmp_path / "out").glob("*/")] == ["face"]


def at_work(folder: Path, server: ProtocolServer, *inputs: object) -> "tuple[subprocess.Popen[str], int]":
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


def decoder_of(client: int) -> int:
    (decoder,) = (
        int(child)
        for children in Path(f"/proc/{client}/task").glob("*/children")
        for child in children.read_text().split()
    )
    return decoder


def wait_until_gone(pid: int) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < until_s
        time.sleep(0.01)


INFO = VideoInfo("a.mp4", "h264", 320, 240, 0, 0.0, None, None)
CROPS = FaceCrops(
    3,
    0.5,
    np.array([[1, 2, 3, 4]], np.int32),
    np.array([np.nan], np.float32),
    np.full((1, 4, 4, 1), 7, np.uint8),
    True,
)


def reader(data: bytes) -> Callable[[int], bytes]:
    file = io.BytesIO(data)
    return file.read


class TestMessages:
    def test_faces_come_as_they_were_sent(self) -> None:
        read = reader(messages.faces_message(CROPS))
        found = messages.read_faces(messages.read_message(read), read, (4, 4, 1))
        assert (found.index, found.time_s, found.starts_shot) == (3, 0.5, True)
        for name in ("boxes_xywh", "scores", "crops"):
            np.testing.assert_array_equal(getattr(found, name), getattr(CROPS, name), strict=True)

    def test_a_description_comes_as_it_was_sent(self) -> None:
        said = messages.read_message(reader(messages.message("opened", info=messages.info_values(INFO))))
        assert messages.read_info(said, "a.mp4") == INFO

    @pytest.mark.parametrize(
        "change",
        [
            {"width": "320"},
            {"width": True},
            {"start_s": float("nan")},
            {"duration_s": "1"},
            {"codec": None},
            {"is_live": 1},
            {"more": 1},
        ],
    )
    def test_a_description_of_another_form(self, change: dict[str, Any]) -> None:
        said = json.loads(json.dumps({"info": messages.info_values(INFO) | change}))
        with pytest.raises(messages.WrongMessageError):
            messages.read_info(said, "a.mp4")

    @pytest.mark.parametrize(
        "change", [{"count": -1}, {"count": 1 << 40}, {"index": 1.5}, {"time_s": float("inf")}]
    )
    def test_faces_of_another_form(self, change: dict[str, Any]) -> None:
        values = {"index": 0, "time_s": 0.0, "count": 0, "starts_shot": False}
        with pytest.raises(messages.WrongMessageError):
            messages.read_faces(values | change, reader(b""), (4, 4, 1))

    @pytest.mark.parametrize(
        "data", [b"\xff\xff\xff\xff", b"\x02\0\0\0[]", b"\x01\0\0\0{", b"\xff\xff\0\0" + b"[" * 65535]
    )
    def test_what_is_no_message(self, data: bytes) -> None:
        with pytest.raises(messages.WrongMessageError):
            messages.read_message(reader(data))

"""Little memory ends in a sentence, at once, and nothing is half-written."""

import subprocess
import sys
from pathlib import Path

import pytest

from support.protocol_server import ProtocolServer

pytest.importorskip("resource", reason="needs limits on memory")


def limited(limits: str, cwd: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run `fer-client` under a shell's limits; a fork of this process, with gRPC's threads, might abort."""
    script = f'ulimit {limits}; exec "$@"'
    command = [sys.executable, "-m", "fer_client", "--detector", "lumaface", *map(str, arguments)]
    return subprocess.run(
        ["bash", "-c", script, "bash", *command],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("kilobytes", [600_000, 800_000, 1_200_000])
def test_little_memory(face_video: Path, tmp_path: Path, server: ProtocolServer, kilobytes: int) -> None:
    done = limited(f"-v {kilobytes}", tmp_path, face_video, "--url", server.url)
    assert done.returncode == 2
    *notes, sentence = done.stderr.splitlines()
    assert sentence.startswith("fer-client: ulimit -v: expected enough memory")
    assert all(note.startswith("Note: ") for note in notes)
    assert list(tmp_path.glob("out/*")) == []


STUCK = """
import resource, sys, threading, time
from pathlib import Path
from fer_client.pipeline.memory import end_if_stuck

end_if_stuck("fer-client", timeout_s=0, idle_s=0.6)
if "limited" in sys.argv:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used, -1))
if "busy" in sys.argv:
    while time.process_time() < 1.5:
        pass
    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))  # without memory the interpreter may not end
else:
    threading.Event().wait(1.5 if "limited" not in sys.argv else None)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
class TestWaitingForGood:
    def ended(self, *how: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", STUCK, *how]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def test_without_memory_it_ends(self) -> None:
        done = self.ended("limited")
        assert done.returncode == 3
        assert done.stderr.startswith("fer-client: expected enough memory")

    @pytest.mark.parametrize("how", [("limited", "busy"), ("unlimited",)])
    def test_work_and_waiting_with_memory_go_on(self, how: tuple[str, ...]) -> None:
        done = self.ended(*how)
        assert (done.returncode, done.stderr) == (0, "")

    def test_the_command_watches(self, tmp_path: Path) -> None:
        code = (
            "import sys, threading; from fer_client.cli import app\n"
            "sys.argv = ['fer-client', 'nothing.mp4', '--url', '127.0.0.1:9', '--detector', 'lumaface']\n"
            "try: app.main()\n"
            "finally: print([thread.name for thread in threading.enumerate()])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "'memory'" in done.stdout


def test_no_thread_for_the_watch_is_told(tmp_path: Path, face_video: Path) -> None:
    done = limited("-s 4194304; ulimit -v 3145728", tmp_path, face_video)
    assert done.returncode == 2
    assert done.stderr.startswith("fer-client: expected enough memory")

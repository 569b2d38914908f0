"""Little memory ends in a sentence, at once, and nothing is half-written."""

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.protocol_server import ProtocolServer


def limited(kilobytes: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (kilobytes << 10, kilobytes << 10))


@pytest.mark.parametrize("kilobytes", [600_000, 800_000, 1_200_000])
def test_little_memory(face_video: Path, tmp_path: Path, server: ProtocolServer, kilobytes: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fer_client", face_video, "--detector", "lumaface", "--url", server.url],
        cwd=tmp_path,
        preexec_fn=limited(kilobytes),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    *notes, sentence = done.stderr.splitlines()
    assert sentence.startswith("fer-client: ulimit -v: expected enough memory")
    assert all(note.startswith("Note: ") for note in notes)
    assert list(tmp_path.glob("out/*")) == []

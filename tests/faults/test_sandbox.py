"""A process that decodes, confined, and what ends it: the other inputs go on."""

import os
import signal
from pathlib import Path

import pytest

from fer_client.pipeline.sandbox.confinement import obstacle
from support.disturbed import analyse, decoder_of, finish, middle, tables
from support.fault_record import FaultRecord
from support.tcp_proxy import TcpProxy
from support.videos import default_frames, uneven_ticks, write_video

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(obstacle() is not None, reason=f"no sandbox here: {obstacle()}"),
]

FRAMES = 600
"""So many that the decoder is still at work in the middle, whatever waits between it and the server."""


@pytest.mark.parametrize(("number", "fault"), [(signal.SIGKILL, "killed"), (signal.SIGSEGV, "crashed")])
def test_a_decoder_that_ends_in_the_middle(
    number: signal.Signals,
    fault: str,
    proxy: TcpProxy,
    clip: Path,
    whole: dict[str, bytes],
    faults: FaultRecord,
    tmp_path: Path,
) -> None:
    write_video(tmp_path / "long.mp4", default_frames() * (FRAMES // 30), uneven_ticks(FRAMES))
    client = analyse(tmp_path / "long.mp4", proxy.url, tmp_path, clip, "--sandbox")
    middle(proxy, client)
    os.kill(decoder_of(client.pid), number)
    done = finish(client, 240)
    assert done.returncode == 3
    (sentence,) = (line for line in done.stderr.splitlines() if line.startswith("fer-client: "))
    assert "long.mp4: expected an input that can be decoded" in sentence
    assert number.name in sentence
    assert not (tmp_path / "out" / "long").exists()
    assert tables(tmp_path / "out" / "clip") == whole
    faults.held(
        "sandbox", f"the process that decodes {fault}", "one sentence; the other inputs are done", "its input"
    )

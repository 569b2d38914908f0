"""Memory that the system gives no more of, in the middle of a run: no half result, and no wait without an end."""

import resource
from pathlib import Path

import pytest

from support.disturbed import analyse, finish, middle, tables
from support.embedded_server import EmbeddedServer
from support.fault_record import FaultRecord
from support.tcp_proxy import TcpProxy
from support.videos import default_frames, uneven_ticks, write_video

pytestmark = pytest.mark.faults

FRAMES = 1200
ROOMS_MB = (0, 2, 4, 8)
"""How much more than in the middle: it depends on the moment which of them is too little."""


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux")
def test_limited_in_the_middle(
    real: EmbeddedServer, proxy: TcpProxy, faults: FaultRecord, tmp_path: Path
) -> None:
    write_video(tmp_path / "long.mp4", default_frames() * (FRAMES // 30), uneven_ticks(FRAMES))
    folder = tmp_path / "out" / "long"
    for room_mb in ROOMS_MB:
        client = analyse(tmp_path / "long.mp4", proxy.url, tmp_path, "--overwrite")
        middle(proxy, client)
        used = int(Path(f"/proc/{client.pid}/statm").read_text().split()[0]) * resource.getpagesize()
        limit = used + (room_mb << 20)
        resource.prlimit(client.pid, resource.RLIMIT_AS, (limit, limit))
        done = finish(client, 240)
        if done.returncode:
            (sentence,) = done.stderr.splitlines()
            assert "expected enough memory" in sentence
    done = finish(analyse(tmp_path / "long.mp4", proxy.url, tmp_path, "--overwrite"), 240)
    assert done.returncode == 0, done.stderr
    undisturbed = finish(analyse(tmp_path / "long.mp4", real.grpc, tmp_path, "-o", "undisturbed"), 240)
    assert undisturbed.returncode == 0, undisturbed.stderr
    assert tables(folder) == tables(tmp_path / "undisturbed" / "long")
    happened = "the run goes on, or one sentence; a second start completes it"
    faults.held("memory", "limited in the middle of a run", happened, tried=len(ROOMS_MB))

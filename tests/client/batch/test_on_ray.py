"""A batch on Ray: a worker, or the whole command, that is killed in the middle loses nothing and doubles nothing."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.embedded_server import await_end, descendants
from support.protocol_server import ProtocolServer
from support.videos import default_frames, uneven_ticks, write_video

pytestmark = pytest.mark.triton

pytest.importorskip("ray")
dataset = pytest.importorskip("pyarrow.dataset")

COUNTS = {"one": 30, "two": 24, "three": 18, "four": 12}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    for name, count in COUNTS.items():
        write_video(tmp_path / f"{name}.mp4", default_frames()[:count], uneven_ticks(count))
    path = tmp_path / "list.txt"
    path.write_text("".join(f"{name}.mp4\n" for name in COUNTS))
    return path


@contextlib.contextmanager
def batch(manifest: Path, server: ProtocolServer, workers: int) -> Iterator["subprocess.Popen[str]"]:
    """Run the command in the list's folder; all its processes end with the context."""
    command = [sys.executable, "-m", "fer_client", "batch", str(manifest), "-o", "results", "--engine", "ray"]
    command += [
        "--workers",
        str(workers),
        "--cpus",
        "1",
        "--detector",
        "lumaface",
        "--url",
        server.url,
        "--timeout",
        "600",
    ]
    process = subprocess.Popen(
        command,
        cwd=manifest.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        started = [process.pid, *descendants(process.pid)]
        process.kill()
        process.communicate()
        for pid in await_end(started[1:], 20):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def busy_workers(process: "subprocess.Popen[str]") -> list[int]:
    """The workers of Ray that analyse a video: that is the name by which Ray calls such a process."""
    found = []
    for pid in descendants(process.pid):
        with contextlib.suppress(OSError):
            if b"ray::Worker.analyse" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def await_busy(process: "subprocess.Popen[str]", server: ProtocolServer, count: int) -> list[int]:
    """Wait until so many workers wait for the server's answers."""
    end = time.monotonic() + 200
    while time.monotonic() < end and process.poll() is None:
        workers = busy_workers(process)
        if len(workers) == count and server.asked.wait(0.1):
            return workers
    raise AssertionError(
        process.communicate(timeout=10) if process.poll() is not None else busy_workers(process)
    )


def check_results(out: Path) -> dict[str, dict[str, object]]:
    """Each frame of each video is there once; give the summaries."""
    found = [json.loads(path.read_text()) for path in (out / "summaries").iterdir()]
    summaries = {str(summary["input"]["name"]): summary for summary in found}
    assert sorted(summaries) == sorted(f"{name}.mp4" for name in COUNTS)
    assert len(found) == len(COUNTS)
    table = (
        dataset.dataset(out / "faces", partitioning="hive").to_table(columns=["video", "frame"]).to_pylist()
    )
    frames = Counter((row["video"].rpartition("-")[0], row["frame"]) for row in table)
    assert frames == Counter((name, frame) for name, count in COUNTS.items() for frame in range(count))
    return summaries


def test_a_worker_that_is_killed_is_replaced(manifest: Path, server: ProtocolServer) -> None:
    server.hang.clear()
    with batch(manifest, server, 2) as process:
        killed = await_busy(process, server, 2)[0]
        os.kill(killed, signal.SIGKILL)
        server.hang.set()
        out, err = process.communicate(timeout=280)
        assert process.returncode == 0, err
    assert "4 of 4 videos" in out
    summaries = check_results(manifest.parent / "results")
    workers = {summary["batch"]["worker"]["process"] for summary in summaries.values()}
    assert killed not in workers


def test_a_command_that_is_killed_goes_on_where_it_was(manifest: Path, server: ProtocolServer) -> None:
    results = manifest.parent / "results"
    with batch(manifest, server, 1) as process:
        end = time.monotonic() + 200
        while not list((results / "summaries").glob("*.json")) and time.monotonic() < end:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
        process.kill()
    before = {path: path.read_bytes() for path in (results / "summaries").iterdir()}
    assert before
    with batch(manifest, server, 1) as process:
        out, err = process.communicate(timeout=280)
        assert process.returncode == 0, err
    # Workers outlive the command for a moment, and what they finish then counts too.
    done_before = re.search(r"(\d+) were done before", out)
    assert done_before
    assert int(done_before[1]) >= len(before)
    check_results(results)
    assert {path: path.read_bytes() for path in before} == before

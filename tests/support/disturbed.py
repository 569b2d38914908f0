"""Runs of `fer-client` in whose middle a fault comes."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from support.command import Done, start
from support.embedded_server import EmbeddedServer
from support.tcp_proxy import TcpProxy

TABLES = ("faces.csv", "episodes.csv")


def analyse(clip: Path, url: str, cwd: Path, *options: object) -> "subprocess.Popen[str]":
    """Start `fer-client` in small requests, so that there is a middle for faults to come in."""
    return start(
        [clip, "--url", url, "--detector", "lumaface", "--batch-size", 2, "--in-flight", 2, *options], cwd
    )


def finish(process: "subprocess.Popen[str]", limit_s: float) -> Done:
    """Wait for the end of a command, which fails where it takes longer."""
    try:
        out, err = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        pytest.fail(f"fer-client did not end within {limit_s:g} s: {err}")
    assert "Traceback" not in err
    return Done(process.returncode, out, err)


def tables(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in TABLES}


def wait_for(condition: Callable[[], bool], limit_s: float = 120.0) -> None:
    """Wait until it holds; fail where it does not in time."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "what the test waits for did not happen"
        time.sleep(0.01)


def middle(proxy: TcpProxy, process: "subprocess.Popen[str]", requests: int = 4) -> None:
    """Wait until so many requests with faces have passed."""
    goal = proxy.sent + requests * 2 * 96 * 96
    wait_for(lambda: proxy.sent > goal or process.poll() is not None)
    if process.poll() is not None:
        pytest.fail(f"the run ended before the fault came: {process.communicate()[1]}")


def kill_all(server: EmbeddedServer) -> None:
    for pid in server.processes():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def decoder_of(client: int) -> int:
    """Process in which a client with `--sandbox` decodes."""
    (decoder,) = (
        int(child)
        for children in Path(f"/proc/{client}/task").glob("*/children")
        for child in children.read_text().split()
    )
    return decoder

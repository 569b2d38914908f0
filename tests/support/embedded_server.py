"""The real `fer-server` as a child process, for tests of the tier `triton`."""

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MODULE = [sys.executable, "-m", "fer_server"]


@dataclass
class EmbeddedServer:
    """A server that said it is ready: the addresses of its services, and the processes behind it.

    `said` is what it wrote to stderr, known after the context.
    """

    command: subprocess.Popen[str]
    grpc: str
    http: str | None
    metrics: str | None
    models: dict[str, str]
    tritonserver_pid: int
    said: str = ""

    def processes(self) -> list[int]:
        """The command, tritonserver and its stubs, as long as they live."""
        return [self.command.pid, *descendants(self.command.pid)]


@contextlib.contextmanager
def embedded_server(repository: Path, *options: str) -> Iterator[EmbeddedServer]:
    """Run `fer-server` on free ports and wait for the line that says it is ready; end it with the context."""
    with tempfile.TemporaryFile("w+") as stderr:
        command = subprocess.Popen(
            [
                *MODULE,
                "--json",
                "--auto-ports",
                "--stop-on-eof",
                f"--model-repository={repository}",
                *options,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        running = None
        try:
            assert command.stdout
            line = command.stdout.readline()
            assert line, f"fer-server ended with {command.wait()}: {_all(stderr)}"
            said = json.loads(line)
            assert said["ready"], said
            running = EmbeddedServer(
                command, said["grpc"], said["http"], said["metrics"], said["models"], said["pid"]
            )
            yield running
        finally:
            command.communicate()
            if running:
                running.said = _all(stderr)


def _all(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def run_server(repository: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `fer-server` where it is expected to end by itself."""
    return subprocess.run(
        [*MODULE, "--auto-ports", f"--model-repository={repository}", *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def descendants(pid: int) -> list[int]:
    """All living processes below this one; zombies, which nobody waited for, do not count."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                children.setdefault(int(parent), []).append(int(folder.name))
    found: list[int] = []
    pending = [pid]
    while pending:
        below = children.get(pending.pop(), [])
        found += below
        pending += below
    return found


def listening_ports(pid: int) -> set[int]:
    """TCP ports on which a process listens."""
    sockets = set()
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            sockets.add(os.readlink(path).removeprefix("socket:[").removesuffix("]"))
    lines = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
    ]
    return {int(line[1].rpartition(":")[2], 16) for line in lines if line[3] == "0A" and line[9] in sockets}


def await_end(pids: list[int], timeout_s: float) -> list[int]:
    """Wait until the processes have ended; give those that still live."""
    left = []
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            if not select.select([descriptor], [], [], timeout_s)[0]:
                left.append(pid)
        finally:
            os.close(descriptor)
    return left

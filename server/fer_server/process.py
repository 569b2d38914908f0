"""Start `tritonserver`, wait until it is ready, watch it, and leave nothing of it behind."""

import contextlib
import ctypes
import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO

from fer_server.errors import ServerError
from fer_server.ports import UNIX, Endpoint

_POLL_S = 0.05
_TICK_S = 0.25
_PR_SET_PDEATHSIG = 1
_TEMPORARY = Path("/tmp")  # Triton knows no other
_SHARED_MEMORY = Path("/dev/shm")


class Event(Enum):
    """What ended a wait."""

    EXITED = "the server ended"
    STOP = "SIGINT or SIGTERM came"
    EOF = "stdin was closed"


class Watch:
    """Waits for the first of: the child's end, a stop signal, the end of stdin.

    Signals are caught from the first moment of the context, so none is lost between two waits.
    """

    def __init__(self, stop_on_eof: bool) -> None:
        self._stdin = [sys.stdin.fileno()] if stop_on_eof else []

    def __enter__(self) -> "Watch":
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._handlers = {number: signal.signal(number, _note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        os.close(self._reader)
        os.close(self._writer)

    def wait(self, child: subprocess.Popen[bytes], timeout_s: float | None) -> Event | None:
        """Give the first event, or None after `timeout_s` seconds; with None it waits for ever."""
        with _pidfd(child) as ended:
            while True:
                ready = select.select([ended, self._reader, *self._stdin], [], [], timeout_s)[0]
                if self._reader in ready:
                    os.read(self._reader, 4096)
                    return Event.STOP
                if ended in ready:
                    return Event.EXITED
                if not ready:
                    return None
                if not os.read(self._stdin[0], 4096):
                    return Event.EOF


def _note(_number: int, _frame: FrameType | None) -> None:
    """Let the signal interrupt nothing: its number is in the wakeup pipe."""


@contextmanager
def _pidfd(child: subprocess.Popen[bytes]) -> Iterator[int]:
    descriptor = os.pidfd_open(child.pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def start(
    command: Sequence[str], environ: Mapping[str, str], log: BinaryIO
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the server in a session of its own, so that Ctrl-C in the terminal reaches this process alone.

    The kernel ends it when this process dies in any way; what is left of its process group is killed at the end.
    """
    parent = os.getpid()
    child = subprocess.Popen(
        command,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=lambda: _die_with(parent),
    )
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


_libc = ctypes.CDLL(None)


def _die_with(parent: int) -> None:
    """Ask the kernel for SIGTERM at the parent's death; runs in the child, before the server's program."""
    _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def stop(child: subprocess.Popen[bytes], watch: Watch, patience_s: float) -> None:
    """Ask the server to finish its requests and end; return after `patience_s`, or when the user asks again."""
    child.terminate()
    watch.wait(child, patience_s)


def environment_folders() -> set[Path]:
    """Folders that Python backends of any server have made for environments that models may bring."""
    return set(_TEMPORARY.glob("python_env_*"))


def remove_environment_folders(before: set[Path]) -> None:
    """Remove the one of a server that had no time to do so itself. Only an empty one goes: nobody uses it."""
    for folder in environment_folders() - before:
        with contextlib.suppress(OSError):
            folder.rmdir()


def remove_shared_memory(prefix: str) -> None:
    """Remove the shared memory regions of a server that had no time to do so itself."""
    for region in _SHARED_MEMORY.glob(f"{prefix}*"):
        region.unlink(missing_ok=True)


def await_event(child: subprocess.Popen[bytes], watch: Watch, meanwhile: Callable[[], None]) -> Event:
    """Wait for the first event, however long, and call `meanwhile` a few times each second."""
    while not (event := watch.wait(child, _TICK_S)):
        meanwhile()
    return event


def await_ready(
    child: subprocess.Popen[bytes],
    watch: Watch,
    endpoint: Endpoint,
    server_id: str,
    timeout_s: float,
    meanwhile: Callable[[], None],
) -> Event | None:
    """Wait until this child, and no other server, answers that it is ready; give the event that came instead, if any.

    Raises ServerError when the time is over.
    """
    deadline = time.monotonic() + timeout_s
    while not is_ready(endpoint, server_id):
        event = watch.wait(child, _POLL_S)
        if event:
            return event
        meanwhile()
        if time.monotonic() > deadline:
            raise ServerError(
                f"The server is not ready after {timeout_s:g} s; see its log with -v or --log-file FILE."
            )
    return None


def is_ready(endpoint: Endpoint, server_id: str) -> bool:
    """Ask the server at the endpoint whether it has this name and all its models are ready."""
    metadata = request(endpoint, "GET", "/v2")
    return (
        bool(metadata)
        and metadata["name"] == server_id
        and request(endpoint, "GET", "/v2/health/ready") is not None
    )


def served_models(endpoint: Endpoint) -> dict[str, str]:
    """List the ready models with their versions; of several versions the newest."""
    statistics = request(endpoint, "GET", "/v2/models/stats") or {}
    ready = [(entry["name"], entry["version"]) for entry in statistics.get("model_stats", [])]
    return dict(sorted(ready, key=lambda model: (model[0], int(model[1]))))


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a socket in the file system."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.host)


def _connection(endpoint: Endpoint) -> http.client.HTTPConnection:
    if endpoint.address.startswith(UNIX):
        return _UnixConnection(endpoint.address.removeprefix(UNIX), endpoint.port, timeout=5)
    return http.client.HTTPConnection(str(endpoint), timeout=5)


def request(endpoint: Endpoint, method: str, path: str) -> Any:
    """Send one request; give the answer's JSON, an empty mapping for an empty answer, None for no or a bad answer."""
    connection = _connection(endpoint)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        body = answer.read()
        return json.loads(body or b"{}") if answer.status == http.client.OK else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()

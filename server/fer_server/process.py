"""Start `tritonserver`, wait until it is ready, watch it, and leave nothing of it behind."""

import contextlib
import ctypes
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from types import FrameType
from typing import BinaryIO

from fer_server.errors import ServerError, UsageError
from fer_server.http_api import is_ready
from fer_server.ports import Endpoint

_MOST_FILES = 65_536
_POLL_S = 0.01
_TICK_S = 0.25
_PR_SET_PDEATHSIG = 1


class Event(Enum):
    """What ended a wait."""

    EXITED = "the server ended"
    STOP = "SIGINT or SIGTERM came"
    EOF = "stdin was closed"
    ILL = "the server does not answer"


class Watch:
    """Waits for the first of: the child's end, a stop signal, the end of stdin.

    Signals are caught from the first moment of the context, so none is lost between two waits.
    """

    def __init__(self, stop_on_eof: bool) -> None:
        if stop_on_eof and sys.stdin is None:  # type: ignore[redundant-expr,unused-ignore] # closed by the shell
            raise UsageError("--stop-on-eof needs a standard input, and there is none. Leave the option out.")
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
            return self._wait([ended], timeout_s)

    def pause(self, timeout_s: float) -> Event | None:
        """Wait `timeout_s` seconds while no child runs; give what ended the pause before."""
        return self._wait([], timeout_s)

    def _wait(self, ended: list[int], timeout_s: float | None) -> Event | None:
        while True:
            ready = select.select([*ended, self._reader, *self._stdin], [], [], timeout_s)[0]
            if self._reader in ready:
                os.read(self._reader, 4096)
                return Event.STOP
            if set(ended) & set(ready):
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
        preexec_fn=lambda: _prepare_child(parent),
    )
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


_libc = ctypes.CDLL(None)


def _prepare_child(parent: int) -> None:
    """Ask the kernel for SIGTERM at the parent's death, and for more connections than the usual 1,024 files allow.

    Runs in the child, before the server's program.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    if os.getppid() != parent:
        os._exit(1)


def stop(child: subprocess.Popen[bytes], watch: Watch, patience_s: float) -> None:
    """Ask the server to finish its requests and end; return after `patience_s`, or when the user asks again."""
    child.terminate()
    watch.wait(child, patience_s)


def await_event(
    child: subprocess.Popen[bytes], watch: Watch, is_ill: Callable[[], bool], meanwhile: Callable[[], None]
) -> Event:
    """Wait for the first event, however long; call `is_ill` and `meanwhile` a few times each second."""
    while not (event := watch.wait(child, _TICK_S)):
        meanwhile()
        if is_ill():
            return Event.ILL
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

"""The server that is started for one job: `fer-server` as a child process.

Imports the standard library alone, so that the child can start while the rest of the client is imported.
"""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import IO, Any

from fer_client.errors import ContractError, FerError, ServerError, ServerLostError, UsageError
from fer_client.inference.access import Access

URL_VARIABLE = "FER_TRITON_URL"
LOCAL_URL = "localhost:8001"
_CONNECT_S = 0.1
_STOP_S = 3.0
_STOP_UNUSED_S = 0.5
_TERMINATE_S = 10.0
_EXIT_S = 10.0
"""How long an embedded server may take to end and say why, once a call to it has failed."""

# -P: a file of the user in the working folder must not shadow a module.
_COMMAND = [sys.executable, "-P", "-m", "fer_server", "--json", "--auto-ports", "--stop-on-eof"]
# This client starts a server that fails again by itself, and counts how often.
_COMMAND += ["--max-restarts=0"]
_ERRORS = {UsageError.exit_code: UsageError, ContractError.exit_code: ContractError}


@dataclass
class Server:
    """A server's address, and the process behind it where it was started for this job.

    `restart` ends that process, starts another one and returns its address. `access` is what a named one asks of its
    callers; no other server is told it.
    """

    url: str
    process: "subprocess.Popen[str] | None" = None
    restart: Callable[[], str] | None = None
    access: Access = field(default_factory=Access)

    def explain(self, error: FerError) -> FerError:
        """Return the error of a failed call, or what the embedded server says if it has ended."""
        if self.process is None or not isinstance(error, ServerError):
            return error
        try:
            code = self.process.wait(_EXIT_S)
        except subprocess.TimeoutExpired:
            return error
        answer = _next_answer(self.process)
        is_explained = not answer and not isinstance(error, ServerLostError)  # a restart that failed said why
        return error if is_explained else _failure(code, answer)


Launched = Callable[[], Server]
"""Waits until a server that was launched serves, and returns it."""


@contextmanager
def embedded_server(notify: Callable[[str], None]) -> Iterator[Server]:
    """Run `fer-server` as a child for the length of the block, another one after each `restart`.

    The child stops when its standard input closes, so it goes even when this process is killed. It runs
    in a session of its own: Ctrl-C reaches this process alone, which then ends its calls before the server.
    """
    if not _is_installed():
        raise ServerError(
            "No server is named and the embedded one is not installed. Name one with --url HOST:PORT."
        )
    with launched_server(notify) as launched:
        yield launched()


@contextmanager
def launched_server(notify: Callable[[str], None]) -> Iterator[Launched]:
    """Start an `embedded_server` and go on at once; one that is never waited for says nothing to the user."""
    with ExitStack() as stack:

        def launch() -> _Child:
            stack.close()
            return stack.enter_context(_child(notify))

        def restart() -> str:
            return attend(launch()).url

        def attend(child: _Child) -> Server:
            child.pass_on_notes()
            server.process = child.process
            server.url = _announced_url(child.process)
            return server

        server = Server("", restart=restart)
        first = launch()

        def launched() -> Server:
            notify("Starting the embedded Triton server for this job.")
            return attend(first)

        yield launched


def early_server(
    url: str | None, inputs: Sequence[str], notify: Callable[[str], None]
) -> AbstractContextManager[Launched | None]:
    """Launch a server at once for inputs where it is plain that one will be needed; else give None.

    That is where none is named, none is here, and one of the inputs is there.
    """
    is_named = bool(url or os.environ.get(URL_VARIABLE))
    if is_named or not any(map(os.path.exists, inputs)) or not _is_installed() or _listens(LOCAL_URL):
        return nullcontext()
    return launched_server(notify)


def _is_installed() -> bool:
    return importlib.util.find_spec("fer_server") is not None


def _listens(address: str) -> bool:
    """Whether something may listen at HOST:PORT."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), _CONNECT_S).close()
    except TimeoutError:
        return True
    except OSError:
        return False
    return True


class _Child:
    """A `fer-server`, whose standard error is for the user once it is waited for."""

    def __init__(self, process: "subprocess.Popen[str]", notify: Callable[[str], None]) -> None:
        self.process = process
        self._notify = notify
        self._notes: threading.Thread | None = None

    def pass_on_notes(self) -> None:
        """Show what the child tells its user; its failures come as JSON on its standard output."""
        self._notes = threading.Thread(target=_pass_on, args=(self.process.stderr, self._notify), daemon=True)
        self._notes.start()

    def stop(self) -> None:
        """End the child: it stops at the end of its input, or at SIGTERM while it still installs its packages."""
        if self.process.stdin:
            self.process.stdin.close()
        patience_s = _STOP_UNUSED_S if self._notes is None else _STOP_S
        for timeout_s, signal_harder in (
            (patience_s, self.process.terminate),
            (_TERMINATE_S, self.process.kill),
        ):
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                signal_harder()
            else:
                break
        if self._notes is not None:
            self._notes.join()


@contextmanager
def _child(notify: Callable[[str], None]) -> Iterator[_Child]:
    with subprocess.Popen(
        _COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        child = _Child(process, notify)
        try:
            yield child
        finally:
            child.stop()


def _pass_on(stream: IO[str] | None, notify: Callable[[str], None]) -> None:
    for line in stream or ():
        notify(line.strip().removeprefix("fer-server: "))


def _announced_url(process: "subprocess.Popen[str]") -> str:
    answer = _next_answer(process)
    if "grpc" in answer:
        return str(answer["grpc"])
    raise _failure(process.wait(), answer)


def _next_answer(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Read one line of JSON: where the child serves, or why it ends."""
    for line in process.stdout or ():
        with suppress(ValueError):  # something else that prints, a sitecustomize say, is none of our business
            if isinstance(answer := json.loads(line), dict):
                return answer
    return {}


def _failure(code: int, answer: dict[str, Any]) -> FerError:
    fallback = f"The embedded server ended with code {code}. Run `fer-server -v` to see why."
    return _ERRORS.get(code, ServerError)(answer.get("error", fallback))

"""Where the server comes from: the one that is named, the one that runs here, or one started for this job."""

import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, Any

from fer_client.errors import ContractError, FerError, NoServerError, ServerError, ServerLostError, UsageError
from fer_client.inference.access import Access, read_access, set_variables
from fer_client.inference.addresses import TLS_SCHEME, check_url, is_encrypted, is_loopback
from fer_client.inference.client import CONTROL_TIMEOUT_S, InferenceClient, is_ready
from fer_client.inference.probe import ask

URL_VARIABLE = "FER_TRITON_URL"
LOCAL_URL = "localhost:8001"
_STOP_S = 3.0
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


@contextmanager
def find_server(url: str | None, notify: Callable[[str], None]) -> Iterator[Server]:
    """Yield a server: at `url`, else at FER_TRITON_URL, else a ready one here, else an embedded one.

    The embedded one stops at the end of the block. `notify` takes sentences for the user.
    """
    named = url or os.environ.get(URL_VARIABLE)
    if named:
        check_url(named)
        _check_clear(named)
        try:
            yield Server(named, access=read_access())
        except NoServerError as error:
            raise NoServerError(
                f"{error} Without --url and {URL_VARIABLE} an embedded one serves."
            ) from error
    elif _is_of_use(LOCAL_URL, notify):
        notify(f"Using the server that is ready at {LOCAL_URL}.")
        yield Server(LOCAL_URL)
    else:
        with embedded_server(notify) as started:
            yield started


def _is_of_use(url: str, notify: Callable[[str], None]) -> bool:
    """Whether a server is ready and answers: one whose processes have died still says that it is ready."""
    if not is_ready(url):
        return False
    with InferenceClient(url, CONTROL_TIMEOUT_S) as client:
        try:
            ask(client, client.read_contract(), lambda answer: answer.result(2 * CONTROL_TIMEOUT_S))
        except (FerError, TimeoutError):
            notify(f"The server at {url} says that it is ready, but answers no request; it is not used.")
            return False
    return True


@contextmanager
def embedded_server(notify: Callable[[str], None]) -> Iterator[Server]:
    """Run `fer-server` as a child for the length of the block, another one after each `restart`.

    The child stops when its standard input closes, so it goes even when this process is killed. It runs
    in a session of its own: Ctrl-C reaches this process alone, which then ends its calls before the server.
    """
    if importlib.util.find_spec("fer_server") is None:
        raise ServerError(
            "No server is named and the embedded one is not installed. Name one with --url HOST:PORT."
        )
    notify("Starting the embedded Triton server for this job.")
    with ExitStack() as stack:

        def start() -> str:
            stack.close()
            server.process = stack.enter_context(_child(notify))
            server.url = _announced_url(server.process)
            return server.url

        server = Server("", restart=start)
        start()
        yield server


@contextmanager
def _child(notify: Callable[[str], None]) -> "Iterator[subprocess.Popen[str]]":
    with subprocess.Popen(
        _COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        notes = threading.Thread(target=_pass_on, args=(process.stderr, notify), daemon=True)
        notes.start()
        try:
            yield process
        finally:
            _stop(process)
            notes.join()


def _pass_on(stream: IO[str] | None, notify: Callable[[str], None]) -> None:
    """Show what the child tells its user; its failures come as JSON on its standard output."""
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


def _stop(process: "subprocess.Popen[str]") -> None:
    """End the child: it stops at the end of its input, or at SIGTERM while it still installs its packages."""
    if process.stdin:
        process.stdin.close()
    for timeout_s, signal_harder in ((_STOP_S, process.terminate), (_TERMINATE_S, process.kill)):
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            signal_harder()
        else:
            return


def _check_clear(url: str) -> None:
    """Raise UsageError where the environment has certificates or secrets for a server that is spoken to in the clear.

    What stays on this machine may be on its way to a proxy here that encrypts it.
    """
    given = [] if is_encrypted(url) or is_loopback(url) else set_variables()
    if given:
        raise UsageError(
            f"{given[0]} is set, but everything would be sent to {url} in the clear. Name the server as "
            f"{TLS_SCHEME}{url}, or unset {', '.join(given)}."
        )

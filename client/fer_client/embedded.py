"""Where the server comes from: the one that is named, the one that runs here, or one started for this job."""

import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO

from fer_client.errors import ContractError, FerError, ServerError, UsageError
from fer_client.inference import is_ready

URL_VARIABLE = "FER_TRITON_URL"
LOCAL_URL = "localhost:8001"
STOP_TIMEOUT_S = 20.0

_COMMAND = [sys.executable, "-m", "fer_server", "--json", "--auto-ports", "--stop-on-eof"]
_ERRORS = {UsageError.exit_code: UsageError, ContractError.exit_code: ContractError}


@contextmanager
def server_url(url: str | None, notify: Callable[[str], None]) -> Iterator[str]:
    """Yield HOST:PORT of a server: `url`, else FER_TRITON_URL, else a ready one here, else an embedded one.

    The embedded one stops at the end of the block. `notify` takes sentences for the user.
    """
    named = url or os.environ.get(URL_VARIABLE)
    if named:
        yield _checked(named)
    elif is_ready(LOCAL_URL):
        yield LOCAL_URL
    else:
        with embedded_server(notify) as started:
            yield started


@contextmanager
def embedded_server(notify: Callable[[str], None]) -> Iterator[str]:
    """Run `fer-server` as a child for the length of the block and yield HOST:PORT of its gRPC endpoint.

    The child stops when its standard input closes, so it goes even when this process is killed. It runs
    in a session of its own: Ctrl-C reaches this process alone, which then ends its calls before the server.
    """
    if importlib.util.find_spec("fer_server") is None:
        raise ServerError(
            "No server is named and the embedded one is not installed. Name one with --url HOST:PORT."
        )
    notify("Starting the embedded Triton server for this job.")
    with subprocess.Popen(
        _COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        log = _Log(notify)
        reader = threading.Thread(target=log.follow, args=(process.stderr,), daemon=True)
        reader.start()
        try:
            yield _announced_url(process, reader, log)
        finally:
            _stop(process)


@dataclass
class _Log:
    """Passes the child's messages on, but holds the last one back: it is the reason if the child fails."""

    notify: Callable[[str], None]
    last: str = field(default="", init=False)

    def follow(self, stream: IO[str] | None) -> None:
        for line in stream or ():
            if self.last:
                self.notify(self.last)
            self.last = line.strip().removeprefix("fer-server: ")


def _announced_url(process: "subprocess.Popen[str]", reader: threading.Thread, log: _Log) -> str:
    line = process.stdout.readline() if process.stdout else ""
    try:
        return str(json.loads(line)["grpc"])
    except (ValueError, KeyError, TypeError):
        pass
    code = process.wait()
    reader.join()
    raise _failure(code, log.last)


def _failure(code: int, reason: str) -> FerError:
    return _ERRORS.get(code, ServerError)(
        reason
        or f"The embedded server ended with code {code} before it was ready. Run `fer-server -v` to see why."
    )


def _stop(process: "subprocess.Popen[str]") -> None:
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()


def _checked(url: str) -> str:
    host, _, port = url.rpartition(":")
    if not host or not port.isdigit() or "/" in url:
        raise UsageError(
            f"Expected a server as HOST:PORT of its gRPC endpoint, such as {LOCAL_URL}, but got '{url}'."
        )
    return url

"""How a command meets its user: one sentence on standard error, an exit code, and never a traceback."""

import io
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NoReturn, TextIO

import typer

from fer_client.errors import FerError, Interrupted, UsageError


def notify(message: str) -> None:
    """Tell the user something on standard error, so that standard output stays for results."""
    print(message, file=sys.stderr, flush=True)  # noqa: T201


def run(app: typer.Typer, name: str, arguments: Sequence[str], interrupted: str = "Interrupted.") -> NoReturn:
    """Run a Typer app as the command `name` and exit with the code of its errors.

    What standard output or standard error does not take is lost, and ends nothing.
    """
    sys.stdout = _fault_tolerant(sys.stdout, partial(_report_loss, name))
    sys.stderr = _fault_tolerant(sys.stderr, lambda _error: None)
    command = partial(app, list(arguments), prog_name=name, standalone_mode=False)
    sys.exit(_exit_code(name, command, interrupted))


def _exit_code(name: str, command: Callable[[], object], interrupted: str) -> int:
    try:
        code = command()
    except FerError as error:
        return _fail(name, error)
    except typer.TyperException as error:
        return _fail(name, UsageError(f"{error.format_message().rstrip('.')}. See `{name} --help`."))
    except (KeyboardInterrupt, typer.Abort):
        code = Interrupted.exit_code
    if code == Interrupted.exit_code:
        return _fail(name, Interrupted(interrupted))
    return code if isinstance(code, int) else 0


def _fail(name: str, error: FerError) -> int:
    notify(f"{name}: {error}")
    return error.exit_code


class _LossyWriter(io.RawIOBase):
    """Writes to another until that takes no more, reports the first error, and drops the rest."""

    def __init__(self, raw: io.RawIOBase, report: Callable[[OSError], None]) -> None:
        self._raw = raw
        self._report = report
        self._is_broken = False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def isatty(self) -> bool:
        return self._raw.isatty()

    def write(self, data: Any, /) -> int | None:
        if self._is_broken:
            return len(data)
        try:
            return self._raw.write(data)
        except OSError as error:
            self._is_broken = True
            self._report(error)
            return len(data)


def _fault_tolerant(stream: TextIO, report: Callable[[OSError], None]) -> TextIO:
    """Return a stream that never fails: it escapes what the terminal cannot show, and drops what it cannot write."""
    if not isinstance(stream, io.TextIOWrapper):  # closed, or a program's own
        return stream
    stream.reconfigure(errors="backslashreplace")
    raw = getattr(stream.buffer, "raw", stream.buffer)
    if not isinstance(raw, io.RawIOBase):  # kept in memory
        return stream
    is_prompt = stream.line_buffering or stream.write_through
    writer = io.BufferedWriter(_LossyWriter(raw, report))
    return io.TextIOWrapper(writer, stream.encoding, stream.errors, line_buffering=is_prompt)


def _report_loss(name: str, error: OSError) -> None:
    if not isinstance(error, BrokenPipeError):  # who stops reading, as `head` does, knows
        notify(f"{name}: standard output takes no more ({error.strerror}); what it should show is lost.")

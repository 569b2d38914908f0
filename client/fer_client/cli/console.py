"""How a command meets its user: one sentence on standard error, an exit code, and never a traceback."""

import io
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NoReturn, TextIO

import typer

from fer_client.errors import FerError, Interrupted, UsageError
from fer_client.printable import printable


def new_app(**options: Any) -> typer.Typer:
    """Make a Typer app as all commands are: errors in one sentence, no markup in the help, `-h` for `--help`."""
    settings = {"help_option_names": ["-h", "--help"]}
    common = {"pretty_exceptions_enable": False, "rich_markup_mode": None, "context_settings": settings}
    return typer.Typer(**common | {"add_completion": False} | options)


def notify(message: str) -> None:
    """Tell the user something on standard error, so that standard output stays for results."""
    print(printable(message, kept="\n"), file=sys.stderr, flush=True)  # noqa: T201


def run(app: typer.Typer, name: str, arguments: Sequence[str], interrupted: str = "Interrupted.") -> NoReturn:
    """Run a Typer app as the command `name` and exit with the code of its errors.

    What standard output or standard error does not take ends nothing. Work that went well exits with 2 where its
    output is lost, but with 0 where its reader has gone, as `head` does.
    """
    losses: list[OSError] = []
    sys.stdout = _fault_tolerant(sys.stdout, losses)
    sys.stderr = _fault_tolerant(sys.stderr, [])
    command = partial(app, list(arguments), prog_name=name, standalone_mode=False)
    code = _exit_code(name, command, interrupted)
    print(end="", flush=True)  # noqa: T201
    for loss in losses:
        if not isinstance(loss, BrokenPipeError):
            lost = f"standard output takes no more ({loss.strerror}); what it should show is lost."
            code = max(code, _fail(name, UsageError(lost)))
    sys.exit(code)


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


class _LossyFile(io.FileIO):
    """Writes to a file until that takes no more, keeps the error in `losses`, and drops the rest."""

    def __init__(self, descriptor: int, losses: list[OSError]) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._losses = losses

    def write(self, data: Any, /) -> int:
        if not self._losses:
            try:
                return super().write(data)
            except OSError as error:
                self._losses.append(error)
        return len(data)


def _fault_tolerant(stream: TextIO, losses: list[OSError]) -> TextIO:
    """Return a stream that never fails: it escapes what the terminal cannot show, and drops what it cannot write."""
    if not isinstance(stream, io.TextIOWrapper):  # closed, or a program's own
        return stream
    stream.reconfigure(errors="backslashreplace")
    try:
        writer = io.BufferedWriter(_LossyFile(stream.fileno(), losses))
    except io.UnsupportedOperation:  # kept in memory
        return stream
    is_prompt = stream.line_buffering or stream.write_through
    return io.TextIOWrapper(writer, stream.encoding, stream.errors, line_buffering=is_prompt)

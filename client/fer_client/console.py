"""How a command meets its user: one sentence on standard error, an exit code, and never a traceback."""

import io
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import NoReturn

import typer

from fer_client.errors import FerError, Interrupted, UsageError


def notify(message: str) -> None:
    """Tell the user something on standard error, so that standard output stays for results."""
    print(message, file=sys.stderr, flush=True)  # noqa: T201


def run(app: typer.Typer, name: str, arguments: Sequence[str], interrupted: str = "Interrupted.") -> NoReturn:
    """Run a Typer app as the command `name` and exit with the code of its errors."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal cannot show is shown escaped
            stream.reconfigure(errors="backslashreplace")
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

"""Every error that a user can cause or meet. The exit code of the command is the class's.

    FerError
    ├── UsageError      2   an option or argument cannot be used, or the results' folder cannot be written
    ├── InputError      3   an input could not be read, or changed while it was read
    ├── ServerError     4   the server could not be reached, is not ready or failed to answer
    │   └── ServerLostError  it went away, and may come back
    │       └── NoServerError  nobody answers at its address
    ├── ContractError   5   the server's models do not fit what this client expects
    └── Interrupted   130   Ctrl-C, or another signal to stop

A message says what was expected, what came, and what to do next, in one sentence each.
"""

import mmap
import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

LITTLE_MEMORY = (
    "expected enough memory, but the system gives this program no more. End other programs, raise its limit, or give "
    "--workers 1."
)
"""Follows the name of what it happened to."""

_DECODING_BYTES = 64 << 20
"""Where the system refuses so much, decoders fail, and not all say why: FFmpeg calls frames damaged."""

_SIGNS_OF_LITTLE_MEMORY = ("Cannot allocate memory", "Insufficient memory", "can't start new thread")


class FerError(Exception):
    """Base of all errors that end in one sentence and an exit code."""

    exit_code = 1


class UsageError(FerError):
    """An option or an argument cannot be used, or results cannot be written to the folder that it names."""

    exit_code = 2


class InputError(FerError):
    """An input could not be read, or changed while it was read."""

    exit_code = 3


class ServerError(FerError):
    """The server could not be reached, is not ready, or failed to answer in time."""

    exit_code = 4


class ServerLostError(ServerError):
    """The server went away or broke down while it was asked, and may come back."""


class NoServerError(ServerLostError):
    """Nobody answers at the server's address."""


class ContractError(FerError):
    """The server's models differ from the contract; see `fer_client.contract`."""

    exit_code = 5


class Interrupted(FerError):
    """The user pressed Ctrl-C, or another signal asked to stop."""

    exit_code = 130


def _is_lack_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in _SIGNS_OF_LITTLE_MEMORY)


def is_memory_left(size: int) -> bool:
    """Whether the system gives this program so many more bytes."""
    try:
        mmap.mmap(-1, size).close()
    except OSError:
        return False
    return True


def check_memory_left(shown: str) -> None:
    """Raise InputError for the input `shown`, which could not be decoded, where want of memory may be the cause."""
    if not is_memory_left(_DECODING_BYTES):
        raise InputError(f"{shown}: {LITTLE_MEMORY}")


@contextmanager
def fails_alone(shown: str) -> Iterator[None]:
    """Turn an error of the block that nobody foresaw into an InputError, so that it ends the input `shown` alone.

    With FER_TRACEBACK in the environment, standard error says where it arose.
    """
    try:
        yield
    except FerError:
        raise
    except Exception as error:
        if os.environ.get("FER_TRACEBACK"):
            sys.stderr.write(_without_addresses("".join(traceback.format_exception(error))))
        if _is_lack_of_memory(error):
            raise InputError(f"{shown}: {LITTLE_MEMORY}") from error
        raise InputError(
            f"{shown}: expected an input that can be read, but it brings about an error of this program "
            f"({_in_one_line(error)}). Save it in another format, and report the error with what it prints where "
            "FER_TRACEBACK=1 is set."
        ) from error


def _without_addresses(text: str) -> str:
    """Hide what follows the scheme of an address, to the end of the line: anything may stand in a password."""
    return re.sub(r"([A-Za-z][A-Za-z0-9+.-]*://).*", r"\1(hidden)", text)


def _in_one_line(error: Exception) -> str:
    """Name an error; without its text where that has an address, with all the secrets in it."""
    kind, text = type(error).__name__, " ".join(str(error).split())
    return f"{kind}: {text}" if text and "://" not in text else kind

"""Errors that end `fer-server` with one sentence; the exit code is the class's.

ServerError        4   the server cannot be set up, cannot start or stopped by itself
├── UsageError     2   an option's value is wrong
└── ModelsError    5   the models of the repository do not load
"""

import errno

_ADVICE = {
    errno.ENOSPC: "free some room there, or name another folder in TMPDIR",
    errno.EDQUOT: "free some room there, or name another folder in TMPDIR",
    errno.EFBIG: "raise the limit of a file's size (ulimit -f)",
    errno.ENOMEM: "the server needs about 1 GB of memory",
    errno.EAGAIN: "raise the limit of processes (ulimit -u)",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
}


class ServerError(Exception):
    """The server cannot be set up, cannot start, or stopped by itself."""

    exit_code = 4


class UsageError(ServerError):
    """An option has a value that cannot be used."""

    exit_code = 2


class ModelsError(ServerError):
    """The models of the repository do not load."""

    exit_code = 5


def refused(error: OSError | MemoryError) -> ServerError:
    """Say what the system refused to this program, and what may help."""
    if isinstance(error, MemoryError):
        return ServerError("The server cannot run: too little memory; it needs about 1 GB.")
    path = error.filename2 or error.filename
    where = f" ({path})" if path else ""
    advice = f"; {_ADVICE[error.errno]}" if error.errno in _ADVICE else ""
    return ServerError(f"The server cannot run: {error.strerror or error}{where}{advice}.")

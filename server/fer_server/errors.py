"""Errors that end `fer-server` with one sentence; the exit code is the class's.

ServerError        4   the server cannot be set up, cannot start or stopped by itself
├── UsageError     2   an option's value is wrong
└── ModelsError    5   the models of the repository do not load
"""


class ServerError(Exception):
    """The server cannot be set up, cannot start, or stopped by itself."""

    exit_code = 4


class UsageError(ServerError):
    """An option has a value that cannot be used."""

    exit_code = 2


class ModelsError(ServerError):
    """The models of the repository do not load."""

    exit_code = 5

"""Every error that a user can cause or meet. The exit code of the command is the class's.

    FerError
    ├── UsageError      2   an option's value is wrong
    ├── InputError      3   a video could not be read, or its results could not be written
    ├── ServerError     4   the server could not be reached, is not ready or failed to answer
    ├── ContractError   5   the server's models do not fit what this client expects
    └── Interrupted   130   Ctrl-C

A message says what was expected, what came, and what to do next, in one sentence each.
"""


class FerError(Exception):
    """Base of all errors that end in one sentence and an exit code."""

    exit_code = 1


class UsageError(FerError):
    """An option or an argument has a value that cannot be used."""

    exit_code = 2


class InputError(FerError):
    """A video could not be read, or a result could not be written."""

    exit_code = 3


class ServerError(FerError):
    """The server could not be reached, is not ready, or failed to answer in time."""

    exit_code = 4


class ContractError(FerError):
    """The server's models differ from the contract; see `fer_client.contract`."""

    exit_code = 5


class Interrupted(FerError):
    """The user pressed Ctrl-C."""

    exit_code = 130

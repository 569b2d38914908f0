"""Whether a limit on this process leaves it the memory that it needs."""

import mmap
import resource

from fer_client.errors import LITTLE_MEMORY, UsageError

_ADDRESSES = 1 << 30
"""Of libraries and of threads' stacks, hardly any of which is ever touched."""


def check_memory() -> None:
    """Raise UsageError where `ulimit -v` leaves too little.

    Libraries then fail in ways of their own, and gRPC waits for good for threads that do not start.
    """
    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        return
    try:
        mmap.mmap(-1, _ADDRESSES).close()
    except OSError as error:
        raise UsageError(f"ulimit -v: {LITTLE_MEMORY}") from error

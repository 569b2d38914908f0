"""Whether a limit on this process leaves it the memory that it needs, before the work and while it lasts."""

import os
import resource
import threading
import time
from contextlib import suppress

from fer_client.errors import LITTLE_MEMORY, InputError, UsageError, is_memory_left

_ADDRESSES = 1 << 30
"""Of libraries and of threads' stacks, hardly any of which is ever touched."""

_STACK = 9 << 20
"""Of a thread, with what protects it: 8 MiB on Linux."""

_IDLE = 0.02
"""Share of one core below which the process does nothing but wait."""

_IDLE_S = 120.0


def check_memory() -> None:
    """Raise UsageError where `ulimit -v` leaves too little.

    Libraries then fail in ways of their own, and gRPC waits for good for threads that do not start.
    """
    is_limited = resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY
    if is_limited and not is_memory_left(_ADDRESSES):
        raise UsageError(f"ulimit -v: {LITTLE_MEMORY}")


def end_if_stuck(name: str, timeout_s: float, idle_s: float = _IDLE_S) -> None:
    """Watch, in a thread, for a process that waits for threads that cannot begin, and end it as the command `name`.

    In CPython as in gRPC and FFmpeg, who starts a thread may wait for good where there is no memory for it, and no
    error comes of it. So where, `timeout_s` and `idle_s` long, this process did nothing and not even a stack could be
    had, one sentence and the exit code of an InputError end it. Results are only ever put in place whole.

    Raises UsageError where this thread itself cannot begin.
    """
    sentence = f"{name}: {LITTLE_MEMORY}\n".encode()
    look_s, looks = idle_s / 12, 12 + round(12 * timeout_s / idle_s)

    def watch() -> None:
        stuck, used_s = 0, time.process_time()
        while stuck < looks:
            time.sleep(look_s)
            before_s, used_s = used_s, time.process_time()
            is_idle = used_s - before_s < _IDLE * look_s
            stuck = stuck + 1 if is_idle and not is_memory_left(_STACK) else 0
        with suppress(OSError):  # nobody may be listening
            os.write(2, sentence)
        os._exit(InputError.exit_code)

    try:
        threading.Thread(target=watch, name="memory", daemon=True).start()
    except RuntimeError as error:
        raise UsageError(LITTLE_MEMORY) from error

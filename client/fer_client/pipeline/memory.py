"""Whether a limit on this process leaves it the memory that it needs, before the work and while it lasts."""

import mmap
import os
import resource
import threading
import time

from fer_client.errors import LITTLE_MEMORY, InputError, UsageError, is_memory_left

_ADDRESSES = 1 << 30
"""Of libraries and of threads' stacks, hardly any of which is ever touched."""

_IDLE = 0.02
"""Share of one core below which the process does nothing but wait."""


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


def end_if_stuck(name: str, look_s: float = 10.0, looks: int = 12) -> None:
    """Watch, in a thread, for a process that waits without an end for want of memory, and end it as `name`.

    A thread that cannot begin lets its starter wait for good, in CPython as in gRPC and FFmpeg, and no error comes of
    it. So where, `looks` times in succession, there is no memory and nothing was done for `look_s` seconds, one
    sentence and the exit code of an InputError end the process. What is written only stands once it is whole.
    """
    sentence = f"{name}: {LITTLE_MEMORY}\n".encode()

    def watch() -> None:
        stuck, used_s = 0, time.process_time()
        while stuck < looks:
            time.sleep(look_s)
            before_s, used_s = used_s, time.process_time()
            is_idle = used_s - before_s < _IDLE * look_s
            stuck = stuck + 1 if is_idle and not is_memory_left() else 0
        os.write(2, sentence)
        os._exit(InputError.exit_code)

    threading.Thread(target=watch, name="memory", daemon=True).start()

"""Ctrl-C and its kin as a question that long work asks, instead of an exception that strikes anywhere.

Python raises KeyboardInterrupt between any two bytecodes of the main thread. Inside a queue, a future or
gRPC that leaves a lock taken for good, and the command hangs or crashes where it should end. So while
threads are at work a signal only sets a flag, which the main thread looks at where it is safe to stop.
"""

import math
import signal
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from fer_client.errors import Interrupted

T = TypeVar("T")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a polite kill, and a terminal that was closed."""

_POLL_S = 0.1


class Interruption:
    """The signals of one command. `install` it once; wrap threaded work in `deferred`."""

    def __init__(self) -> None:
        self._requested = False
        self._is_deferred = False

    def install(self) -> None:
        """Take over the signals. Only the main thread can."""
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:  # nohup ignores SIGHUP on purpose
                signal.signal(number, self._handle)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Within the block a first signal sets the flag; a second one strikes at once."""
        self._is_deferred = True
        try:
            yield
        finally:
            self._is_deferred = False

    def has_come(self) -> bool:
        """Whether a signal has come."""
        return self._requested

    def check(self) -> None:
        """Raise Interrupted if a signal has come."""
        if self._requested:
            raise Interrupted(
                "Interrupted: nothing was written for the input under way. Give the same command again to go on."
            )

    def checked(self, items: Iterable[T]) -> Iterator[T]:
        """Pass items on, looking at the flag before each."""
        for item in items:
            self.check()
            yield item

    def result_of(self, future: "Future[T]", until_s: float = math.inf) -> T:
        """Wait for a future's result, looking at the flag meanwhile.

        Raises TimeoutError where there is none by `until_s` of `time.monotonic`.
        """
        while True:
            try:
                return future.result(timeout=_POLL_S)
            except TimeoutError:
                self.check()
                if time.monotonic() >= until_s:
                    raise

    def pause(self, seconds: float) -> None:
        """Wait so long, looking at the flag meanwhile."""
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            time.sleep(min(left_s, _POLL_S))
            self.check()

    def _handle(self, _signal: int, _frame: FrameType | None) -> None:
        strikes = self._requested or not self._is_deferred
        self._requested = True
        if strikes:
            raise KeyboardInterrupt

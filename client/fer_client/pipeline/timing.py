"""How long each stage of the pipeline takes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

T = TypeVar("T")
R = TypeVar("R")
P = ParamSpec("P")


class StageClock:
    """Seconds spent in each stage, summed over its threads; stages overlap, so the sum exceeds the total."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Add the time of the block to the stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(stage, time.perf_counter() - start, 1)

    def add(self, stage: str, seconds: float, count: int) -> None:
        """Add seconds that so many runs of the stage took."""
        with self._lock:
            self._seconds[stage] = self._seconds.get(stage, 0.0) + seconds
            self._counts[stage] = self.count(stage) + count

    def totals(self) -> dict[str, tuple[float, int]]:
        """Return the seconds and the runs of every stage up to now."""
        with self._lock:
            return {stage: (seconds, self._counts[stage]) for stage, seconds in self._seconds.items()}

    def timing(self, function: Callable[P, R], stage: str) -> Callable[P, R]:
        """Return the function with its calls timed."""

        def timed_call(*args: P.args, **kwargs: P.kwargs) -> R:
            with self.time(stage):
                return function(*args, **kwargs)

        return timed_call

    def count(self, stage: str) -> int:
        """Return how often the stage was run."""
        return self._counts.get(stage, 0)

    def result(self) -> dict[str, float]:
        """Return the stages' seconds in the order in which they first ended."""
        return {stage: round(seconds, 3) for stage, seconds in self._seconds.items()}

    def timed(self, items: Iterator[T], stage: str) -> Iterator[T]:
        """Pass items on, adding the time that each took to come to the stage."""
        while True:
            with self.time(stage):
                item = next(items, None)
            if item is None:
                return
            yield item

"""Ways to overlap the stages of a pipeline without giving up order or bounds on memory."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_END = object()


def prefetch(items: Iterable[T], depth: int) -> Generator[T]:
    """Run `items` in a thread of its own, at most `depth` items ahead of the reader.

    An exception of `items` is raised at the reader after the items before it. Closing the returned
    generator stops the thread and waits for it, so resources that `items` uses can be released then.
    """
    ready: queue.Queue[object] = queue.Queue(maxsize=depth)
    stopped = threading.Event()
    failure: list[BaseException] = []

    def produce() -> None:
        try:
            for item in items:
                ready.put(item)
                if stopped.is_set():
                    return
        except BaseException as error:
            failure.append(error)
        finally:
            ready.put(_END)

    thread = threading.Thread(target=produce, name="prefetch", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not _END:
            yield item  # type: ignore[misc]
        if failure:
            raise failure[0]
    finally:
        stopped.set()
        while thread.is_alive():  # the producer may wait for room in the queue
            with suppress(queue.Empty):
                ready.get(timeout=0.01)
        thread.join()


def ordered_map(
    function: Callable[[T], R], items: Iterable[T], pool: ThreadPoolExecutor, depth: int
) -> Generator[R]:
    """Apply `function` in the pool's threads and yield the results in the order of `items`.

    At most `depth` items are between being taken and being yielded. `function` must not wait for another task of
    the pool; what needs an earlier result is mapped over the results. Closing the generator gives up what has not
    begun.
    """
    pending: deque[Future[R]] = deque()
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            while pending and (len(pending) >= depth or pending[0].done()):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


class MemoryBudget:
    """Lets threads hold so many bytes at once; what is larger than the whole budget goes when nothing else is held."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._held = 0
        self._changed = threading.Condition()

    @contextmanager
    def holding(self, size: int) -> Iterator[None]:
        """Wait until there is room for `size` bytes, and hold them within the block."""
        taken = min(size, self._size)
        with self._changed:
            self._changed.wait_for(lambda: self._held + taken <= self._size)
            self._held += taken
        try:
            yield
        finally:
            with self._changed:
                self._held -= taken
                self._changed.notify_all()

"""A latest-value slot: a place for one item, where a newer one takes the older one's place."""

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """A latest-value slot (a conflating queue of length 1) from one thread to another.

    It never blocks who puts, and memory never grows with a slow taker.

    `dropped` counts the items that a newer one replaced before they were taken.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._item: T | None = None
        self._changed = threading.Condition()

    def put(self, item: T) -> None:
        """Offer an item."""
        with self._changed:
            self.dropped += self._item is not None
            self._item = item
            self._changed.notify()

    def take(self, timeout_s: float) -> T | None:
        """Take the item; None where none comes in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None, timeout_s)
            item, self._item = self._item, None
            return item

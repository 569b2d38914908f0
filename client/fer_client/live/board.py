"""What is to be shown now: written by the analysis and recordings, read by the pages that look."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from fer_client.live.picture import Picture
from fer_client.live.state import Condition, Phase, RecordingState, State


class Board:
    """Holds the newest of each, and wakes the pages; `show`, `tell` and `tell_recording` may be called by any thread.

    `watched` is set once there is a page, `unwatched` while there is none.
    """

    def __init__(self) -> None:
        self.picture: Picture | None = None
        self.state = State(Condition.CONNECTING)
        self.recording = RecordingState(Phase.OFF)
        self.watched, self.unwatched = threading.Event(), threading.Event()
        self.unwatched.set()
        self._listeners: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def show(self, picture: Picture) -> None:
        """Put a picture in the place of the one before."""
        self.picture = picture
        self._wake()

    def tell(self, state: State) -> None:
        """Say how the source is."""
        self.state = state
        self._wake()

    def tell_recording(self, recording: RecordingState) -> None:
        """Say how the recording is."""
        self.recording = recording
        self._wake()

    @property
    def watching(self) -> int:
        """How many pages look."""
        return len(self._listeners)

    @contextmanager
    def waking(self, event: asyncio.Event) -> Iterator[None]:
        """Set an event of the running loop whenever something changes."""
        listener = asyncio.get_running_loop(), event
        self._listeners.append(listener)
        self.unwatched.clear()
        self.watched.set()
        try:
            yield
        finally:
            self._listeners.remove(listener)
            if not self._listeners:
                self.unwatched.set()

    def _wake(self) -> None:
        for loop, event in list(self._listeners):
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(event.set)

"""The newest frame of a source that goes on: read in a thread of its own, which connects again when it is lost."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from types import TracebackType

from fer_client.errors import InputError, fails_alone
from fer_client.live.clocks import Pacer, TimeLine
from fer_client.live.newest import Newest
from fer_client.live.source import LiveSource
from fer_client.live.state import Condition, State
from fer_client.media.frame import Frame, Video, VideoInfo
from fer_client.media.video import VideoReader

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0
"""How long it waits before it connects again; twice as long after each failure."""

_POLL_S = 0.1
_LET_GO_S = 1.0
"""How long the end waits for a reader that FFmpeg holds, up to `fer_client.media.network.TIMEOUT_S`."""


@dataclass(frozen=True)
class Arrival:
    """A frame, when it came by `time.monotonic`, and by which connection, from 0.

    A frame of a file or a playlist comes when it is due by its own speed.
    """

    frame: Frame
    came_s: float
    connection: int


class Feed:
    """Yields the newest frame whenever one is asked for; a `Video` and a context manager.

    A file is played at its own speed by its presentation times, again and again with `is_looped`; it waits for
    `begin`. So are the segments of a playlist, without waiting. A stream or a camera that stops is connected to
    again, after pauses that grow. `is_over` is asked while no frame comes. `current` is the frame that was yielded
    last. Frames are numbered through all connections, and their times go on over gaps by the clock. `decoded` counts
    all frames that came.
    """

    def __init__(
        self,
        source: LiveSource,
        tell: Callable[[State], None],
        is_over: Callable[[], bool],
        begin: threading.Event,
        is_looped: bool = False,
    ) -> None:
        self._source = source
        self._tell = tell
        self._is_over = is_over
        self._begin = begin
        self._is_looped = is_looped
        self._newest: Newest[Arrival] = Newest()
        self._line = TimeLine()
        self._stopped = threading.Event()
        self._failure: BaseException | None = None
        self._info: VideoInfo | None = None
        self._is_file = False
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self.corruption: str | None = None
        self.decoded = 0
        self.current: Arrival | None = None

    def __enter__(self) -> "Feed":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join(_LET_GO_S)

    @property
    def info(self) -> VideoInfo:
        """What is known of the video, as of a live stream. Raises ValueError before there is a frame."""
        if self._info is None:
            raise ValueError("expected a frame before the video's properties are asked for")
        return self._info

    @property
    def dropped(self) -> int:
        """How many frames a newer one replaced before they were yielded."""
        return self._newest.dropped

    def frames(self, allow_corruption: bool = False) -> Iterator[Frame]:  # noqa: ARG002 - a Video has it
        """Yield the newest frame each time. Raises InputError where the first connection fails, or a file is gone."""
        while not self._is_over():
            has_ended = not self._thread.is_alive()
            arrival = self._newest.take(0 if has_ended else _POLL_S)
            if arrival is not None:
                self.current = arrival
                yield arrival.frame
            elif has_ended:
                break
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            with fails_alone(self._source.shown):
                self._connect_until_it_ends()
        except BaseException as error:
            self._failure = error

    def _connect_until_it_ends(self) -> None:
        pause_s = FIRST_PAUSE_S
        for connection in count():
            before = self.decoded
            self._tell(State(Condition.CONNECTING))
            reason = self._connection(connection)
            if self._stopped.is_set():
                return
            if self._is_file:
                if self.decoded == before:
                    raise InputError(
                        f"{self._source.shown}: expected frames, but none can be decoded. Copy the video again."
                    )
                if self._is_looped:
                    continue
                return
            pause_s = FIRST_PAUSE_S if self.decoded > before else min(2 * pause_s, LONGEST_PAUSE_S)
            self._tell(State(Condition.WAITING, reason, pause_s))
            self._stopped.wait(pause_s)

    def _connection(self, number: int) -> str:
        """Read one connection until its end, and return why a stream ended."""
        try:
            with self._source.open() as video:
                self._read(video, number)
                return video.corruption or "the stream ended"
        except InputError as error:
            if self._info is None or self._is_file:
                raise
            return str(error)

    def _read(self, video: Video, connection: int) -> None:
        self._is_file = not video.info.is_live
        if isinstance(video, VideoReader) and not self._is_file:
            video.decode_without_delay()
        self._line.connect()
        frames = video.frames(allow_corruption=True)
        if self._is_file:
            self._wait_to_begin()
        is_paced = self._is_file or self._source.comes_in_segments
        for place, (frame, came_s) in enumerate(self._paced(frames, video) if is_paced else _timed(frames)):
            if self._stopped.is_set():
                return
            if not place:
                self._info = _as_live(self._info or video.info, video.info)
                self._tell(State(Condition.LIVE))
            self._offer(frame, came_s, connection)
        if self._is_file:
            self.corruption = video.corruption

    def _wait_to_begin(self) -> None:
        while not (self._begin.wait(_POLL_S) or self._stopped.is_set()):
            pass

    def _paced(self, frames: Iterator[Frame], video: Video) -> Iterator[tuple[Frame, float]]:
        """Yield each frame when it is due, and end when the last has stood as long as the file says."""
        pacer = Pacer()
        for frame in frames:
            yield frame, self._wait_for(pacer, frame.time_s)
        if video.info.shown_until_s is not None:
            self._wait_for(pacer, video.info.shown_until_s)

    def _wait_for(self, pacer: Pacer, time_s: float) -> float:
        due_s = pacer.due_s(time_s, time.monotonic())
        self._stopped.wait(max(0.0, due_s - time.monotonic()))
        return due_s

    def _offer(self, frame: Frame, came_s: float, connection: int) -> None:
        time_s = self._line.place(frame.time_s, came_s)
        frame = replace(frame, index=self.decoded, time_s=time_s)
        self.decoded += 1
        self._newest.put(Arrival(frame, came_s, connection))


def _timed(frames: Iterator[Frame]) -> Iterator[tuple[Frame, float]]:
    return ((frame, time.monotonic()) for frame in frames)


def _as_live(first: VideoInfo, now: VideoInfo) -> VideoInfo:
    """Describe a connection as a part of a stream that began with the first."""
    return replace(now, is_live=True, duration_s=None, frame_count=None, start_s=first.start_s)

"""When a face began to show an expression, when it was strongest, and when it ended."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fer_client.temporal.durations import SHORTEST_S
from fer_client.temporal.frame import AnalysedFrame
from fer_client.temporal.tracklets import GAP_S

_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Episode:
    """A stretch of time in which one expression of one face was the strongest, by the smoothed answers.

    Times are presentation times in seconds; `end_s` is the start of the frame after. `peak` is the highest
    smoothed probability of the expression and `mean` its mean over time, both in [0, 1]. Floats have six
    decimals.
    """

    track: int
    expression: str
    start_s: float
    end_s: float
    duration_s: float
    peak_s: float
    peak: float
    mean: float


@dataclass(slots=True)
class _Running:
    """An episode under way, or one that is over and waits for those that began before it.

    `best` is the index of its label. Times are presentation times; `away_s` is that of the first frame after its last
    one, None where there was none yet. `total` is the
    sum of its probabilities, each times the seconds that it stood, and `weight_s` the sum of those seconds.
    """

    track: int
    best: int
    start_s: float
    end_s: float
    peak_s: float
    peak: float
    total: float
    weight_s: float
    away_s: float | None = None
    is_over: bool = False

    def add(self, fresh: "_Running") -> None:
        """Extend it by one more frame."""
        if fresh.peak > self.peak:
            self.peak_s, self.peak = fresh.peak_s, fresh.peak
        self.end_s, self.away_s = fresh.end_s, None
        self.total += fresh.total
        self.weight_s += fresh.weight_s


class Episodes:
    """Follows the faces of one video and gives the episodes in the order in which they began.

    A new expression ends an episode, and so does a face that is away for longer than GAP_S. Those shorter than
    `min_s` seconds are left out; their neighbours stay as they are. Those that are over wait, a few numbers
    each, while one that began before them goes on.
    """

    def __init__(self, labels: Sequence[str], min_s: float = 0.0) -> None:
        self._labels = labels
        self._min_s = min_s
        self._running: dict[int, _Running] = {}
        self._waiting: deque[_Running] = deque()

    def add(self, frame: AnalysedFrame) -> Iterator[Episode]:
        """Add one frame; yield the episodes that are over and that none before them holds up."""
        for tracklet, running in list(self._running.items()):
            if tracklet in frame.tracklets:
                continue
            running.away_s = frame.time_s if running.away_s is None else running.away_s
            if frame.is_backwards or frame.time_s - running.away_s > GAP_S:
                self._running.pop(tracklet).is_over = True
        faces = ((track or 0, face) for face, track in enumerate(frame.tracks) if frame.tracklets)
        for _, face in sorted(faces):
            self._extend(frame.tracklets[face], _start(frame, face))
        yield from self._completed()

    def rest(self) -> Iterator[Episode]:
        """End the episodes under way and yield all that are left."""
        for running in self._running.values():
            running.is_over = True
        self._running = {}
        yield from self._completed()

    def _extend(self, tracklet: int, fresh: _Running) -> None:
        before = self._running.get(tracklet)
        if before is not None and before.best == fresh.best:
            before.add(fresh)
            return
        if before is not None:
            before.is_over = True
        self._running[tracklet] = fresh
        self._waiting.append(fresh)

    def _completed(self) -> Iterator[Episode]:
        while self._waiting and self._waiting[0].is_over:
            episode = self._episode(self._waiting.popleft())
            if episode.duration_s >= self._min_s:
                yield episode

    def _episode(self, running: _Running) -> Episode:
        numbers = (
            running.start_s,
            running.end_s,
            running.end_s - running.start_s,
            running.peak_s,
            running.peak,
            running.total / running.weight_s,
        )
        return Episode(
            running.track, self._labels[running.best], *(round(number, _DECIMALS) for number in numbers)
        )


def _start(frame: AnalysedFrame, face: int) -> _Running:
    """Begin an episode with one face of one frame."""
    values = frame.smoothed.expression[face]
    best = int(values.argmax())
    strength, weight_s = float(values[best]), max(frame.duration_s, SHORTEST_S)
    time_s, end_s = frame.time_s, frame.time_s + frame.duration_s
    track = frame.tracks[face] or 0
    return _Running(track, best, time_s, end_s, time_s, strength, strength * weight_s, weight_s)

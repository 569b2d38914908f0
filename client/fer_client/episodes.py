"""When a face began to show an expression, when it was strongest, and when it ended."""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields

from fer_client.smoothing import SmoothFrame
from fer_client.tables import Value
from fer_client.timeline import GAP_S, SHORTEST_S

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

    def row(self) -> list[Value]:
        """Return the values in the order of EPISODE_COLUMNS."""
        return list(astuple(self))


EPISODE_COLUMNS: dict[str, type] = {
    field.name: {"track": int, "expression": str}.get(field.name, float) for field in fields(Episode)
}


@dataclass
class _Running:
    """An episode under way; `total` is the sum of its probabilities, each times the seconds that it stood."""

    track: int
    best: int
    start_s: float
    last_s: float
    end_s: float
    peak_s: float
    peak: float
    total: float
    weight_s: float

    def add(self, fresh: "_Running") -> None:
        """Go on with one more frame."""
        if fresh.peak > self.peak:
            self.peak_s, self.peak = fresh.peak_s, fresh.peak
        self.last_s, self.end_s = fresh.last_s, fresh.end_s
        self.total += fresh.total
        self.weight_s += fresh.weight_s


class Episodes:
    """Follows the faces of one video and gives every episode when it has ended.

    A new expression ends it, and so does a face that is away for longer than GAP_S.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = labels
        self._running: dict[int, _Running] = {}

    def add(self, item: SmoothFrame) -> Iterator[Episode]:
        """Add one frame; yield the episodes that have ended before it."""
        frame = item.frame
        for appearance, running in list(self._running.items()):
            is_away = frame.is_backwards or frame.time_s - running.last_s > GAP_S
            if is_away and appearance not in frame.appearances:
                yield self._ended(self._running.pop(appearance))
        for face, appearance in enumerate(frame.appearances):
            fresh = _start(item, face)
            before = self._running.get(appearance)
            if before is not None and before.best == fresh.best:
                before.add(fresh)
                continue
            if before is not None:
                yield self._ended(before)
            self._running[appearance] = fresh

    def rest(self) -> Iterator[Episode]:
        """Yield the episodes that last until the end."""
        for running in self._running.values():
            yield self._ended(running)
        self._running = {}

    def _ended(self, running: _Running) -> Episode:
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


def _start(item: SmoothFrame, face: int) -> _Running:
    frame = item.frame
    values = item.smooth.expression[face]
    best = int(values.argmax())
    strength, weight_s = float(values[best]), max(frame.extent_s, SHORTEST_S)
    time_s, end_s = frame.time_s, frame.time_s + frame.extent_s
    track = frame.tracks[face] or 0
    return _Running(track, best, time_s, time_s, end_s, time_s, strength, strength * weight_s, weight_s)

"""How long each analysed frame stands, and when a face has been away for too long to be the same appearance."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from fer_client.batching import SeenFrame
from fer_client.inference import Predictions

GAP_S = 0.5
"""A face that was missing from analysed frames for longer starts anew: nothing is smoothed or told across."""

SHORTEST_S = 1e-6
"""Weight of a frame without extent in time, so that a single picture still has a dominant expression."""


@dataclass(frozen=True)
class TimedFrame:
    """One analysed frame.

    `extent_s`: seconds until the next analysed frame; 0 for a photograph. `tracks`: number of each face,
    none of them for a photograph. `appearances`: which uninterrupted appearance each face belongs to; equal
    numbers, within the video, are one face without a gap. `is_backwards`: its time lies before its
    predecessor's.
    """

    seen: SeenFrame
    tracks: Sequence[int | None]
    predictions: Predictions
    extent_s: float = 0.0
    appearances: Sequence[int] = ()
    is_backwards: bool = False

    @property
    def time_s(self) -> float:
        """Presentation time in seconds."""
        return self.seen.time_s


def timed(
    frames: Iterable[tuple[SeenFrame, Sequence[int], Predictions]],
    end_s: float | None = None,
    shown_until_s: Callable[[], float | None] = lambda: None,
) -> Iterator[TimedFrame]:
    """Add to every frame how long it stands, one frame behind the source.

    Where presentation times go backwards, time that was counted already is not counted again. The last
    frame stands as long as its predecessor, or until `shown_until_s` where that is longer, but at most until
    `end_s`, the end of the video. `shown_until_s` is asked after the last frame: how long the file shows it.
    """
    appearances = _Appearances()
    waiting: TimedFrame | None = None
    latest_s, extent_s = -math.inf, 0.0
    for seen, tracks, predictions in frames:
        is_backwards = waiting is not None and seen.time_s < waiting.time_s
        if waiting is not None:
            extent_s = max(0.0, seen.time_s - latest_s)
            yield _lasting(waiting, extent_s)
        latest_s = max(latest_s, seen.time_s)
        if is_backwards:
            appearances = _Appearances(appearances.count)
        numbers = appearances.of(tracks, seen.time_s)
        waiting = TimedFrame(seen, tracks, predictions, 0.0, numbers, is_backwards)
    if waiting is not None:
        extent_s = max(extent_s, (shown_until_s() or -math.inf) - latest_s)
        if end_s is not None and end_s > latest_s:
            extent_s = min(extent_s or math.inf, end_s - latest_s)
        yield _lasting(waiting, extent_s)


def _lasting(frame: TimedFrame, extent_s: float) -> TimedFrame:
    return TimedFrame(
        frame.seen, frame.tracks, frame.predictions, extent_s, frame.appearances, frame.is_backwards
    )


class _Appearances:
    """Numbers the appearances of faces; remembers only the faces of the last GAP_S seconds."""

    def __init__(self, count: int = 0) -> None:
        self.count = count
        self._known: dict[int, tuple[int, float, bool]] = {}

    def of(self, tracks: Sequence[int], time_s: float) -> list[int]:
        """Number the appearances of one frame's faces."""
        numbers = [self._number(track, time_s) for track in tracks]
        self._known = {
            track: (number, last_s, False)
            for track, (number, last_s, _) in self._known.items()
            if time_s - last_s <= GAP_S
        } | {track: (number, time_s, True) for track, number in zip(tracks, numbers, strict=True)}
        return numbers

    def _number(self, track: int, time_s: float) -> int:
        """Go on where the face was in the frame before, however long ago, or was missing only briefly."""
        number, last_s, was_there = self._known.get(track, (0, -math.inf, False))
        if was_there or time_s - last_s <= GAP_S:
            return number
        self.count += 1
        return self.count

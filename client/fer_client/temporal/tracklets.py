"""The parts of tracks without a gap: within one, answers are averaged and episodes go on."""

import math
from collections.abc import Sequence

GAP_S = 0.5
"""A face that was away for longer starts anew: no smoothing and no episode bridges the gap. It is away for as long as
the analysed frames without it stand."""


class Tracklets:
    """Numbers the tracklets, the parts of tracks without a gap; remembers only the faces of the last GAP_S seconds.

    A frame stands until the next one, or, where `stands_from_before`, from the one before.
    """

    def __init__(self, stands_from_before: bool = False) -> None:
        self._stands_from_before = stands_from_before
        self._before_s = -math.inf
        self._count = 0
        # The number of each track's tracklet, and since when it is away.
        self._known: dict[int | None, tuple[int, float | None]] = {}

    def of(self, tracks: Sequence[int | None], time_s: float) -> list[int]:
        """Number the tracklets of one frame's faces."""
        begin_s = self._before_s if self._stands_from_before else time_s
        self._before_s = time_s
        numbers = [self._number(track, begin_s) for track in tracks]
        since = {
            track: (number, begin_s if away_s is None else away_s)
            for track, (number, away_s) in self._known.items()
        }
        away = {track: known for track, known in since.items() if begin_s - known[1] <= GAP_S}
        self._known = away | {track: (number, None) for track, number in zip(tracks, numbers, strict=True)}
        return numbers

    def restart(self) -> None:
        """Begin all faces anew, with numbers that no earlier one had."""
        self._known = {}

    def _number(self, track: int | None, begin_s: float) -> int:
        """Go on where the face was in the frame before, however long ago, or was missing only briefly."""
        number, away_s = self._known.get(track, (0, -math.inf))
        if away_s is None or begin_s - away_s <= GAP_S:
            return number
        self._count += 1
        return self._count

"""The parts of tracks without a gap: within one, answers are averaged and episodes go on."""

import math
from collections.abc import Sequence

GAP_S = 0.5
"""A face that was missing from analysed frames for longer starts anew: no smoothing and no episode bridges the gap."""


class Tracklets:
    """Numbers the tracklets, the parts of tracks without a gap; remembers only the faces of the last GAP_S seconds."""

    def __init__(self) -> None:
        self._count = 0
        self._known: dict[int | None, tuple[int, float, bool]] = {}

    def of(self, tracks: Sequence[int | None], time_s: float) -> list[int]:
        """Number the tracklets of one frame's faces."""
        numbers = [self._number(track, time_s) for track in tracks]
        self._known = {
            track: (number, last_s, False)
            for track, (number, last_s, _) in self._known.items()
            if time_s - last_s <= GAP_S
        } | {track: (number, time_s, True) for track, number in zip(tracks, numbers, strict=True)}
        return numbers

    def restart(self) -> None:
        """Begin all faces anew, with numbers that no earlier one had."""
        self._known = {}

    def _number(self, track: int | None, time_s: float) -> int:
        """Go on where the face was in the frame before, however long ago, or was missing only briefly."""
        number, last_s, was_there = self._known.get(track, (0, -math.inf, False))
        if was_there or time_s - last_s <= GAP_S:
            return number
        self._count += 1
        return self._count

"""When a frame of a file is due, and how the times of several connections become one time line."""

LATE_S = 0.5
"""How far a file may fall behind its own speed before it goes on from where it is, as players do."""

_STEP_S = 1e-3
"""Least time from the last frame of one connection to the first of the next."""


class Pacer:
    """Plays a file at its own speed, by presentation times in seconds; clock times are of `time.monotonic`."""

    def __init__(self) -> None:
        self._start_s: float | None = None

    def due_s(self, time_s: float, now_s: float) -> float:
        """Return the clock time at which the frame is due."""
        if self._start_s is None or now_s - (self._start_s + time_s) > LATE_S:
            self._start_s = now_s - time_s
        return self._start_s + time_s


class TimeLine:
    """Continues the times of a source over all its connections.

    Those of the first stay as they are; each further one begins as long after it as the clock says.
    """

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None
        self._last_s = 0.0
        self._shift_s: float | None = None

    def connect(self) -> None:
        """Begin with the next connection."""
        self._shift_s = None

    def place(self, time_s: float, came_s: float) -> float:
        """Return the time, in seconds, of a frame that states `time_s` and came at this time of the clock."""
        if self._first is None:
            self._first = time_s, came_s
            self._shift_s = 0.0
        elif self._shift_s is None:
            first_s, first_came_s = self._first
            self._shift_s = max(self._last_s + _STEP_S, first_s + came_s - first_came_s) - time_s
        self._last_s = time_s + (self._shift_s or 0.0)
        return self._last_s

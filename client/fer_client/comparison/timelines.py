"""What a side shows over time, as fine as a picture can show it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_client.comparison.series import Series

Floats = NDArray[np.float64]

MOST_SPANS = 1000
"""As many as a wide screen can tell apart."""


@dataclass(frozen=True)
class Timeline:
    """N spans of time, one after the other. `starts_s`, `ends_s`: float64 [N], from the recording's first frame.

    `probabilities`: float64 [N, K], means over the faces that count, by the smoothed answers; NaN where none is seen.
    """

    starts_s: Floats
    ends_s: Floats
    probabilities: Floats

    @property
    def duration_s(self) -> float:
        """When the last span ends."""
        return float(self.ends_s.max())


def timeline_of(
    series: Series,
    times_s: Floats,
    first: int,
    labels: int,
    from_before: bool = False,
    most: int = MOST_SPANS,
) -> Timeline:
    """Average the probabilities, columns from `first` on of a series, over at most so many spans of time.

    `times_s`: float64 [F] of all frames. Where times go backwards, the frame stands where the one before it does. With
    `from_before`, a frame stands before its time, and not from then on.
    """
    starts = np.maximum.accumulate(times_s) - times_s[0]
    if from_before:
        starts = starts - series.durations_s
    ends = starts + series.durations_s
    span = max(float(ends.max()), 1e-6) / most
    numbers = np.unique(np.floor(starts / span), return_inverse=True)[1]
    weights = np.bincount(numbers, series.weights)
    columns = series.sums[:, first : first + labels].T
    sums = np.stack([np.bincount(numbers, column) for column in columns], axis=1)
    with np.errstate(invalid="ignore"):
        means = sums / weights[:, None]
    firsts = np.flatnonzero(np.diff(numbers, prepend=-1))
    return Timeline(starts[firsts], np.maximum.reduceat(ends, firsts), means)

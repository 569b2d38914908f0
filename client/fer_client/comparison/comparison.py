"""Two sides, their shares and means, the differences between them and how sure these are."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_client.comparison.bootstrap import MIN_BLOCKS, Interval, Sample, interval_of_difference
from fer_client.comparison.compatibility import check_sides, min_confidence, notes
from fer_client.comparison.series import Quantity, Series, quantities, samples_of, series_of
from fer_client.comparison.sides import Side
from fer_client.comparison.timelines import Timeline, timeline_of
from fer_client.outputs.stored_durations import stands_from_before
from fer_client.temporal.tracklets import GAP_S

Floats = NDArray[np.float64]

TOO_SHORT = "too short to tell"


@dataclass(frozen=True)
class Difference:
    """One quantity of both sides. `low` and `high`: limits of `b` - `a`, None where there is too little to tell."""

    quantity: Quantity
    a: float
    b: float
    low: float | None
    high: float | None

    @property
    def difference(self) -> float:
        """What B has more than A."""
        return self.b - self.a

    @property
    def finding(self) -> str:
        """What the interval says, in words."""
        if self.low is None or self.high is None:
            return TOO_SHORT
        if self.low > 0:
            return "more in B"
        return "less in B" if self.high < 0 else "no clear difference"

    @property
    def is_clear(self) -> bool:
        """Whether 0 lies outside the interval."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


@dataclass(frozen=True)
class Comparison:
    """`sides` A and B, their `differences`, and `notes`: what else may lie behind these, a sentence each.

    `blocks`: how many blocks each side has. `seen_s`: face time in seconds, 0 in photographs, as `timelines` are None
    there. `is_paired`: both are of one result, and were resampled together.
    """

    sides: tuple[Side, Side]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]
    blocks: tuple[float, float]
    seen_s: tuple[float, float]
    timelines: tuple[Timeline, Timeline] | None
    is_paired: bool

    @property
    def labels(self) -> tuple[str, ...]:
        """The network's labels."""
        return self.sides[0].result.labels

    @property
    def shares(self) -> tuple[Difference, ...]:
        """The differences of shares alone."""
        return tuple(difference for difference in self.differences if difference.quantity.is_share)

    @property
    def is_too_short(self) -> bool:
        """Whether there are no intervals at all."""
        return min(self.blocks) < MIN_BLOCKS


def compare(first: Side, second: Side) -> Comparison:
    """Compare two sides. Raises UsageError where that means nothing, see `fer_client.comparison.compatibility`."""
    check_sides(first, second)
    least = min_confidence(first, second)
    has_affect = all(bool(np.isfinite(side.faces.smoothed_valence_arousal).all()) for side in (first, second))
    named = quantities(first.result.labels, least, has_affect)
    is_paired = first.result.folder.resolve() == second.result.folder.resolve()
    series = (series_of(first, least, has_affect), series_of(second, least, has_affect))
    samples = samples_of(*series, is_paired)
    interval = interval_of_difference(*samples, _ranges(named, samples), is_paired)
    return Comparison(
        sides=(first, second),
        differences=tuple(_differences(named, samples, interval)),
        notes=(*notes(first, second), *_other_times((first, second), series)),
        blocks=(samples[0].blocks, samples[1].blocks),
        seen_s=(series[0].seen_s, series[1].seen_s),
        timelines=None if first.is_photographs else _timelines((first, second), series, named),
        is_paired=is_paired,
    )


def _other_times(sides: tuple[Side, Side], series: tuple[Series, Series]) -> Iterator[str]:
    """Say where the frames of a table stand for another time than its summary says, by more than 1 % and GAP_S."""
    for letter, side, part in zip("AB", sides, series, strict=True):
        seconds = float(side.result.summary["seconds_analysed"])
        if part.has_time and abs(part.seconds - seconds) > max(GAP_S, 0.01 * seconds):
            yield (
                f"{letter}: the frames' times come to {part.seconds:.1f} s, but summary.json says {seconds:.1f} s, so "
                "shares and means may differ from those in there."
            )


def _timelines(
    sides: tuple[Side, Side], series: tuple[Series, Series], named: tuple[Quantity, ...]
) -> tuple[Timeline, Timeline]:
    start = [quantity.kind for quantity in named].index("mean_probability")
    labels = len(sides[0].result.labels)
    first, second = (
        timeline_of(part, side.result.times_s, start, labels, stands_from_before(side.result))
        for side, part in zip(sides, series, strict=True)
    )
    return first, second


def _ranges(named: tuple[Quantity, ...], samples: tuple[Sample, Sample]) -> Floats:
    """Least and most of each quantity, float64 [Q, 2]: 0 and 1 of shares, of others what was seen on either side."""
    values = np.concatenate([sample.values for sample in samples])
    seen = np.stack([values.min(axis=0), values.max(axis=0)], axis=1)
    is_share = np.array([quantity.is_share for quantity in named])
    return np.where(is_share[:, None], [0.0, 1.0], seen)


def _differences(
    named: tuple[Quantity, ...], samples: tuple[Sample, Sample], interval: Interval
) -> Iterator[Difference]:
    columns = (samples[0].means, samples[1].means, interval.low, interval.high)
    for quantity, *values in zip(named, *columns, strict=True):
        a, b, low, high = (None if np.isnan(value) else float(value) for value in values)
        yield Difference(quantity, a or 0.0, b or 0.0, low, high)

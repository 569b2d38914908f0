"""What the faces of a side show, as sums over short steps of time, from which shares and means follow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_client.comparison.block_length import block_length
from fer_client.comparison.bootstrap import MOST_BLOCKS, Sample
from fer_client.comparison.sides import Side
from fer_client.outputs.stored_durations import frame_durations
from fer_client.outputs.stored_result import StoredFaces
from fer_client.outputs.summary import UNCERTAIN
from fer_client.temporal.durations import SHORTEST_S

Floats = NDArray[np.float64]

STEP_S = 0.5
"""The answers of that long are averaged over each other anyway, see `fer_client.settings.SMOOTH_S`."""

SHORTEST_BLOCK_S = 2.0
"""Expressions last half a second to four (Ekman 2003, Emotions Revealed): a face that shows one and the same for a
few seconds has not answered several times."""

_LONGER = 1.25
"""Blocks that make a variance most exact are too short for an interval to hold what it says (Sun, Phillips and Jin
2008, doi:10.1111/j.0012-9682.2008.00822.x): with made recordings of 60 s in which an expression lasts 3 s, it held the
truth in 89 % of the repeats, with blocks half as long again in 94 %, though these leave too few in shorter ones."""


@dataclass(frozen=True)
class Quantity:
    """One row of a comparison.

    `kind`: share, mean_probability, mean_valence or mean_arousal. `label`: an expression, of the first two alone.
    """

    kind: str
    label: str = ""

    @property
    def is_share(self) -> bool:
        """Whether it is a share of time or faces."""
        return self.kind == "share"


def quantities(labels: Sequence[str], min_confidence: float, has_affect: bool) -> tuple[Quantity, ...]:
    """Name what is compared, in the order of the columns of a `Series`, as summary.json names it."""
    uncertain = [UNCERTAIN] if min_confidence and UNCERTAIN not in labels else []
    return (
        *(Quantity("share", label) for label in [*labels, *uncertain]),
        *(Quantity("mean_probability", label) for label in labels),
        *((Quantity("mean_valence"), Quantity("mean_arousal")) if has_affect else ()),
    )


@dataclass(frozen=True)
class Series:
    """A side, frame by frame: all F analysed frames of its result.

    `sums`: float64 [F, Q], value × weight summed over the faces that count, Q as of `quantities`. `weights`: float64
    [F], 0 where none is seen. `durations_s`: float64 [F]; `has_time` is False in photographs, where each face counts
    once.
    """

    sums: Floats
    weights: Floats
    durations_s: Floats
    has_time: bool

    @property
    def seconds(self) -> float:
        """How long all frames stand, in seconds."""
        return float(self.durations_s.sum())

    @property
    def seen_s(self) -> float:
        """How long at least one face was seen, in seconds."""
        return float(self.durations_s[self.weights > 0].sum())


def series_of(side: Side, min_confidence: float, has_affect: bool) -> Series:
    """Add up the faces of each frame by the rules of summary.json."""
    result = side.result
    values = _values(side.faces, result.labels, min_confidence, has_affect)
    durations_s = frame_durations(result)
    places = np.searchsorted(result.frames, side.faces.frame)
    per_face = np.ones(len(durations_s)) if side.is_photographs else np.maximum(durations_s, SHORTEST_S)
    weights: Floats = per_face * np.bincount(places, minlength=len(durations_s))
    sums = np.stack([np.bincount(places, column, len(durations_s)) for column in values.T], axis=1)
    return Series(sums * per_face[:, None], weights, durations_s, not side.is_photographs)


def _values(faces: StoredFaces, labels: Sequence[str], min_confidence: float, has_affect: bool) -> Floats:
    """What each face adds, float64 [N, Q]: 1 for its strongest expression, its probabilities, valence and arousal."""
    probabilities = faces.smoothed.astype(np.float64)
    names = [quantity.label for quantity in quantities(labels, min_confidence, False) if quantity.is_share]
    is_unsure = np.round(probabilities.max(axis=1), 6) < min_confidence
    shown = np.where(is_unsure, names.index(UNCERTAIN) if min_confidence else 0, probabilities.argmax(axis=1))
    affect = faces.smoothed_valence_arousal.astype(np.float64)[:, : 2 if has_affect else 0]
    return np.hstack([np.eye(len(names))[shown], probabilities, affect])


def samples_of(first: Series, second: Series, is_paired: bool) -> tuple[Sample, Sample]:
    """Sum both up over steps of STEP_S in which a face is seen, or over photographs, and choose how long blocks are.

    Those of one recording, `is_paired`, get the same steps and blocks.
    """
    seen = [series.weights > 0 for series in (first, second)]
    if is_paired:
        seen = [seen[0] | seen[1]] * 2
    parts = [_steps(*part) for part in zip((first, second), seen, strict=True)]
    blocks = [_block(sums, weights, seconds) for sums, weights, seconds in parts]
    if is_paired:
        blocks = [max(blocks)] * 2
    left, right = (Sample(part[0], part[1], block) for part, block in zip(parts, blocks, strict=True))
    return left, right


def _steps(series: Series, seen: NDArray[np.bool_]) -> tuple[Floats, Floats, float]:
    """Sums [n, Q] and weights [n] of steps, and how long a step is at least, 0 for photographs."""
    ends = np.cumsum(series.durations_s[seen])
    starts = ends - series.durations_s[seen]
    numbers = np.floor(starts / STEP_S + 1e-6) if series.has_time else np.arange(np.count_nonzero(seen))
    places = np.unique(numbers, return_inverse=True)[1]
    sums: Floats = np.stack([np.bincount(places, column) for column in series.sums[seen].T], axis=1)
    weights = np.bincount(places, series.weights[seen]).astype(np.float64)
    seconds = ends[-1] / (places[-1] + 1) if series.has_time else 0.0
    return sums, weights, float(seconds)


def _block(sums: Floats, weights: Floats, step_s: float) -> int:
    """Choose how many steps a block takes; photographs stand alone."""
    if not step_s:
        return max(1, math.ceil(len(weights) / MOST_BLOCKS))
    seen = weights > 0
    values = sums[seen] / weights[seen, None]
    shortest = max(SHORTEST_BLOCK_S / step_s, len(weights) / MOST_BLOCKS)
    return math.ceil(max(_LONGER * block_length(values), shortest))

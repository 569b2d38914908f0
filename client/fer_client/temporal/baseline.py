"""A person's own resting face as the reference: expression as the difference from it.

Some faces read as sad or angry while nothing is felt. Where a network's last layer is linear, the difference of two
embeddings moves the logits by its projection on the classes' weights, so the difference from a baseline embedding is,
for the classes, the difference of log-probabilities, which every server tells.

Probabilities are float [N, K], rows summing to 1; times are in seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

NEUTRAL = "neutral"

LEAST_CALM_S = 1.0
"""Of calm frames, which are a fifth of all, below which a track has no baseline: a word would decide."""

_LEAST_CALM_FRAMES = 3
"""One frame that stands long is no rest."""

_CALM_SHARE = 0.25
_STEADY_SHARE = 0.75
"""Calm frames are the quarter that looks most neutral, among the three quarters that change least: a face that moves
towards another expression passes neutral on its way."""

_RESTING_RATIO = 0.25
"""At rest another expression may be a quarter as probable as neutral: so much or less the strongest other one is in
the votes for three of four faces of PublicTest that most FER+ voters call neutral. What is beyond it is the person's
own look."""

_LEAST = 1e-4
"""Below this a probability says no more than that an expression is not there."""


@dataclass(frozen=True)
class Baseline:
    """How a face looks at rest: log-ratios to neutral, float64 [K], from so many calm frames and seconds."""

    log_ratios: NDArray[np.float64]
    frames: int
    seconds: float

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """The resting face's probabilities, [K]."""
        powers = np.exp(self.log_ratios - self.log_ratios.max())
        return np.asarray(powers / powers.sum())


def log_ratios(probabilities: Floats, labels: Sequence[str]) -> NDArray[np.float64]:
    """Logarithms of each probability's ratio to that of neutral, float64 [N, K]."""
    logs = np.log(np.maximum(np.asarray(probabilities, np.float64), _LEAST))
    return np.asarray(logs - logs[:, [labels.index(NEUTRAL)]])


def resting_baseline(
    probabilities: Floats, times_s: NDArray[np.float64], stands_s: NDArray[np.float64], labels: Sequence[str]
) -> Baseline | None:
    """Find how one track's face looks at rest; None where its calm frames are few or stand for less than LEAST_CALM_S.

    `stands_s` [N] is how long each frame stands.
    It is the median over the calm frames. A face that never rests within the track, a smile from the first frame to
    the last say, is taken for its rest.
    """
    if len(times_s) < 2:
        return None
    ratios = log_ratios(probabilities, labels)
    calm = _calm(ratios, times_s, labels)
    seconds = float(stands_s[calm].sum())
    if seconds < LEAST_CALM_S or calm.sum() < _LEAST_CALM_FRAMES:
        return None
    return Baseline(np.median(ratios[calm], axis=0), int(calm.sum()), seconds)


def relative_to(baseline: Baseline, probabilities: Floats, labels: Sequence[str]) -> NDArray[np.float64]:
    """Take from each expression what is the person's own look at rest; probabilities float64 [N, K].

    An expression that is weak at rest stays as it is: nothing is added to any.
    """
    excess = np.maximum(baseline.log_ratios - np.log(_RESTING_RATIO), 0)
    excess[labels.index(NEUTRAL)] = 0
    relative = np.asarray(probabilities, np.float64) * np.exp(-excess)
    return np.asarray(relative / relative.sum(axis=1, keepdims=True))


def _calm(
    ratios: NDArray[np.float64], times_s: NDArray[np.float64], labels: Sequence[str]
) -> NDArray[np.bool_]:
    """Frames of the steadier part in which neutral is strongest against the strongest other expression, bool [N]."""
    others = np.delete(ratios, labels.index(NEUTRAL), axis=1).max(axis=1)
    speed = _speed(ratios, times_s)
    steady = speed <= np.quantile(speed, _STEADY_SHARE)
    return np.asarray(steady & (others <= np.quantile(others[steady], _CALM_SHARE)))


def _speed(ratios: NDArray[np.float64], times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """How fast the answers change on the faster side of each frame, per second, [N]."""
    steps = np.linalg.norm(np.diff(ratios, axis=0), axis=1) / np.maximum(np.diff(times_s), 1e-3)
    return np.maximum(np.append(steps, 0), np.insert(steps, 0, 0))

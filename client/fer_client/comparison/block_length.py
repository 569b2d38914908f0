"""How long the blocks of a block bootstrap should be, from how far a series depends on its own past."""

import math

import numpy as np
from numpy.typing import NDArray


def block_length(values: NDArray[np.float64]) -> float:
    """Return the block length, in steps of Q series float64 [n, Q], that makes the variance of their means most exact.

    The rule of Politis and White (2004, doi:10.1081/ETC-120028836) for the circular block bootstrap, as corrected by
    Patton, Politis and White (2009, doi:10.1080/07474930802459016), with the autocovariances of all series summed: what
    varies most decides. At least 1, and at most n / 3 and 3 √n. Series that never change have length 1.
    """
    count = len(values)
    if count < 3 or not np.ptp(values, axis=0).any():
        return 1.0
    covariances = _autocovariances(values, min(count - 1, math.ceil(math.sqrt(count)) + _clear_run(count)))
    spread, variance = _moments(covariances, _bandwidth(covariances, count))
    longest = min(3 * math.sqrt(count), count / 3)
    if variance <= 0:
        return longest
    return min(max(1.0, (1.5 * (spread / variance) ** 2 * count) ** (1 / 3)), longest)


def _autocovariances(values: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """Autocovariances at lags from 0 to `most`, summed over the series."""
    centred = values - values.mean(axis=0)
    count = len(centred)
    return np.array([np.vdot(centred[: count - lag], centred[lag:]) for lag in range(most + 1)]) / count


def _clear_run(count: int) -> int:
    """So many autocorrelations in a row must be near 0 for those beyond to count as 0."""
    return max(5, math.ceil(math.sqrt(math.log10(count))))


def _bandwidth(covariances: NDArray[np.float64], count: int) -> int:
    """Twice the last lag before a run of autocorrelations that chance alone explains."""
    most = len(covariances) - 1
    is_large = np.abs(covariances[1:] / covariances[0]) >= 2 * math.sqrt(math.log10(count) / count)
    run = _clear_run(count)
    clear = (lag for lag in range(most - run + 1) if not is_large[lag : lag + run].any())
    last_large = int(np.flatnonzero(is_large).max(initial=-1)) + 1
    return min(2 * max(1, next(clear, last_large)), most)


def _moments(covariances: NDArray[np.float64], bandwidth: int) -> tuple[float, float]:
    """Sums over all lags, negative ones too, of |lag| × covariance and of covariance, by a trapezoidal window."""
    lags = np.arange(1, bandwidth + 1)
    weighted = np.clip(2 * (1 - lags / bandwidth), 0, 1) * covariances[1 : bandwidth + 1]
    return float(2 * (lags * weighted).sum()), float(covariances[0] + 2 * weighted.sum())

"""How long the analysed frames of a stored result stand."""

import numpy as np
from numpy.typing import NDArray

from fer_client.outputs.stored_result import StoredResult
from fer_client.temporal.tracklets import GAP_S

Floats = NDArray[np.float64]

_ROUNDING_S = 1e-4
"""Times have six decimals, and this many seconds are their errors in a sum at most."""


def stands_from_before(result: StoredResult) -> bool:
    """Whether each frame stands from the one before, as in live results, and not until the next one."""
    return bool(result.summary.get("settings", {}).get("low_latency"))


def frame_durations(result: StoredResult) -> Floats:
    """How long each analysed frame stands in seconds, float64 [F], by the rules of `fer_client.temporal.durations`."""
    latest = np.maximum.accumulate(result.times_s)
    between = np.maximum(0.0, result.times_s[1:] - latest[:-1])
    seconds = float(result.summary["seconds_analysed"])
    if stands_from_before(result):
        return np.concatenate([[0.0], _without_outages(between, seconds)])
    return np.concatenate([between, [max(0.0, seconds - between.sum())]])


def _without_outages(between: Floats, seconds: float) -> Floats:
    """Let the steps between two connections of a live stream stand for nothing, as they did for its summary.

    The tables do not say where a connection began, but the time that the summary left out does: steps longer than
    GAP_S count as outages, the longest first, as far as they fit into it. Shorter ones stay: they are hardly longer
    than a frame stands.
    """
    counted, left_out_s = between.copy(), float(between.sum()) - seconds
    for place in np.argsort(-between, kind="stable"):
        if between[place] <= GAP_S:
            break
        if between[place] <= left_out_s + _ROUNDING_S:
            counted[place] = 0.0
            left_out_s -= float(between[place])
    return counted

"""Records of figures: what they were measured on, and what has changed from one to another beyond noise."""

import json
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_client.bench.conditions import conditions
from fer_client.errors import InputError, UsageError

_ROOT = Path(__file__).parents[1]
_DRAWS = 4000
_LEVEL = 95
LEAST_RUNS = 3
"""Of each side, for a change to be told: of two sets of three that differ by chance alone, one in ten lies wholly on
one side of the other."""


def run_conditions() -> dict[str, Any]:
    """Return what figures of this checkout are measured on, its commit included."""
    commit = _git("rev-parse", "--short=12", "HEAD")
    is_changed = bool(_git("status", "--porcelain", "--untracked-files=no"))
    return conditions() | {"commit": f"{commit}, changed" if commit and is_changed else commit}


_BUSY = 1.0
"""Load average from which on seconds say more about the other programs than about this one."""

_LEFT = 0.85
"""Share of the cores that the other programs must have left at least, where that was measured."""


def is_busy(record: dict[str, Any]) -> bool:
    """Whether much else ran beside the measurement: by what was measured meanwhile, else right before it."""
    left = _left(record)
    if left:
        return statistics.median(left) < _LEFT
    about = record["conditions"]
    taken = about.get("cores_taken_by_others")
    if taken is not None:
        return bool(taken > (1 - _LEFT) * about["machine"]["cores"])
    return float(about["load_average"] or 0.0) >= _BUSY


def _left(record: dict[str, Any]) -> list[float]:
    """Shares of the cores that other programs left in each part of a record; none where it was not noted."""
    figures = [video["figures"] for video in record.get("videos", ()) if "figures" in video]
    timed = [one["undisturbed_s"] / one["processing_s"] for one in figures if "undisturbed_s" in one]
    return timed + [point["offered_share"] for point in record.get("points", ()) if "offered_share" in point]


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(_ROOT), *words], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip() or None


def read_record(path: Path) -> dict[str, Any]:
    """Read a record. Raises InputError for a file that is none."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: expected a record of figures as JSON ({error}).") from error
    if not isinstance(record, dict):
        raise InputError(f"{path}: expected a record of figures, came {type(record).__name__}.")
    return record


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record. Raises UsageError where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"Cannot write {path}: {error.strerror}.") from error


def samples(record: object, name: str = "") -> dict[str, list[float]]:
    """Find the figures that were measured several times: numbers of the records in every list `runs`, by their places.

    An item of another list is named by its own `name`, or its video's, else by its number.
    """
    found: dict[str, list[float]] = {}
    for key, value in _children(record):
        place = f"{name}/{key}" if name else key
        if key == "runs" and isinstance(value, list):
            for run in value:
                for leaf, number in _numbers(run, name).items():
                    found.setdefault(leaf, []).append(number)
        else:
            found |= samples(value, place)
    return found


def _children(record: object) -> list[tuple[str, object]]:
    if isinstance(record, Mapping):
        return [(str(key), value) for key, value in record.items()]
    if isinstance(record, list):
        return [(_name(item, number), item) for number, item in enumerate(record)]
    return []


def _name(item: object, number: int) -> str:
    if isinstance(item, Mapping):
        named = item.get("video") if isinstance(item.get("video"), Mapping) else item
        return str(named["name"]) if isinstance(named, Mapping) and "name" in named else str(number)
    return str(number)


def _numbers(run: object, name: str) -> dict[str, float]:
    if isinstance(run, (int, float)) and not isinstance(run, bool):
        return {name: float(run)}
    found: dict[str, float] = {}
    for key, value in _children(run):
        found |= _numbers(value, f"{name}/{key}" if name else key)
    return found


@dataclass(frozen=True)
class Change:
    """One figure in two records: medians, and the second over the first with its 95 % interval.

    Where `is_paired`, the ratio is the median of those of each pair of runs.
    """

    name: str
    first: float
    second: float
    ratio: float
    low: float
    high: float
    is_paired: bool
    runs: tuple[int, int]

    @property
    def is_beyond_noise(self) -> bool:
        """Whether the interval leaves out 1, and there are runs enough to say so."""
        return min(self.runs) >= LEAST_RUNS and not self.low <= 1 <= self.high


def compare(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Change]:
    """Compare what both records measured several times; runs are paired where both state the same `pair`."""
    before, after = samples(first), samples(second)
    is_paired = "pair" in first and first["pair"] == second.get("pair")
    return [
        change(name, before[name], after[name], is_paired)
        for name in before
        if name in after and min(*before[name], *after[name]) > 0
    ]


def change(name: str, before: Sequence[float], after: Sequence[float], is_paired: bool = False) -> Change:
    """Compare two sets of positive figures by their medians, with a bootstrap over the runs."""
    first, second = np.asarray(before, float), np.asarray(after, float)
    is_paired = is_paired and len(first) == len(second)
    chance = np.random.default_rng(0)
    if is_paired:
        ratios = second / first
        ratio, drawn = float(np.median(ratios)), _drawn_medians(ratios, chance)
    else:
        ratio = float(np.median(second) / np.median(first))
        drawn = _drawn_medians(second, chance) / _drawn_medians(first, chance)
    low, high = np.percentile(drawn, [(100 - _LEVEL) / 2, (100 + _LEVEL) / 2])
    medians = statistics.median(before), statistics.median(after)
    return Change(name, *medians, ratio, float(low), float(high), is_paired, (len(before), len(after)))


def _drawn_medians(values: NDArray[np.float64], chance: np.random.Generator) -> NDArray[np.float64]:
    picks = chance.integers(len(values), size=(_DRAWS, len(values)))
    return np.asarray(np.median(values[picks], axis=1))


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Fit cost = a x size ** b by least squares of the logarithms, and return b: 1 is linear."""
    slope, _ = np.polyfit(np.log(np.asarray(sizes, float)), np.log(np.asarray(costs, float)), 1)
    return float(slope)


def marginal(sizes: Sequence[float], costs: Sequence[float]) -> tuple[float, float]:
    """Fit cost = start + rate x size by least squares; return start and rate."""
    rate, start = np.polyfit(np.asarray(sizes, float), np.asarray(costs, float), 1)
    return float(start), float(rate)

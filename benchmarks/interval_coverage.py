"""How often the intervals of `fer-client compare` hold the true difference, on made recordings where it is known.

    python -m benchmarks.interval_coverage --repeats 500

A made face shows one expression for a while, exponentially long, then draws another one. Its probabilities follow what
it shows, averaged over half a second, with noise that depends on its own past.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_client.comparison.bootstrap import Interval, interval_of_difference
from fer_client.comparison.series import Series, samples_of

FPS = 10
_NOISE = 0.03
_NOISE_MEMORY = 0.9
_SURE = 0.75

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Face:
    """`shares`: true share of each expression, float64 [K]. `dwell_s`: mean time from one draw to the next."""

    shares: Sequence[float]
    dwell_s: float


def made_series(face: Face, seconds: float, rng: np.random.Generator) -> Series:
    """Make a recording: K shares, then K probabilities, at FPS frames a second."""
    count, kinds = round(seconds * FPS), len(face.shares)
    is_drawn = rng.random(count) < 1 / (face.dwell_s * FPS)
    is_drawn[0] = True
    draws = rng.choice(kinds, is_drawn.sum(), p=face.shares)
    shown = np.eye(kinds)[draws[np.cumsum(is_drawn) - 1]]
    values = np.hstack([shown, _probabilities(shown, rng)])
    durations_s = np.full(count, 1 / FPS)
    return Series(values / FPS, durations_s, durations_s, has_time=True)


def true_means(face: Face) -> Floats:
    """Return the means that endless recordings would have, float64 [2 K]."""
    shares = np.array(face.shares)
    return np.concatenate([shares, _SURE * shares + (1 - _SURE) / len(shares)])


def _probabilities(shown: Floats, rng: np.random.Generator) -> Floats:
    """Answers that sum to 1 and are right on average."""
    window = np.ones(FPS // 2) / (FPS // 2)
    smooth = np.stack([np.convolve(column, window, "same") for column in shown.T], axis=1)
    smooth += (1 - smooth.sum(axis=1, keepdims=True)) * shown  # at both ends
    noise = rng.normal(0, _NOISE * np.sqrt(1 - _NOISE_MEMORY**2), shown.shape)
    for place in range(1, len(noise)):
        noise[place] += _NOISE_MEMORY * noise[place - 1]
    return _SURE * smooth + (1 - _SURE) / shown.shape[1] + noise - noise.mean(axis=1, keepdims=True)


def made_intervals(
    faces: tuple[Face, Face], seconds: float, repeats: int, seed: int = 0
) -> Iterator[Interval]:
    """Yield the interval of each of so many pairs of recordings."""
    rng = np.random.default_rng(seed)
    kinds = len(faces[0].shares)
    ranges = np.repeat([[0.0, 1.0], [(1 - _SURE) / kinds, _SURE + (1 - _SURE) / kinds]], kinds, axis=0)
    for _ in range(repeats):
        first, second = (made_series(face, seconds, rng) for face in faces)
        yield interval_of_difference(*samples_of(first, second, is_paired=False), ranges)


@dataclass(frozen=True)
class Coverage:
    """`held`: share of the intervals that hold the truth, float64 [2 K]. `width`: their mean width. `told`: how many
    of the pairs have intervals at all."""

    held: Floats
    width: Floats
    told: float


def coverage(faces: tuple[Face, Face], seconds: float, repeats: int, seed: int = 0) -> Coverage:
    """Count how often the truth is held, over the pairs that are long enough."""
    truth = true_means(faces[1]) - true_means(faces[0])
    intervals = list(made_intervals(faces, seconds, repeats, seed))
    told = [interval for interval in intervals if np.isfinite(interval.low).all()]
    low, high = (np.array([getattr(interval, name) for interval in told]) for name in ("low", "high"))
    held = (low <= truth) & (truth <= high)
    return Coverage(held.mean(axis=0), (high - low).mean(axis=0), len(told) / repeats)


CASES = [
    (Face((0.5, 0.3, 0.15, 0.04, 0.01), dwell_s), Face(shares, dwell_s), seconds)
    for seconds, dwell_s in ((20, 1), (60, 1), (60, 3), (300, 3), (300, 10), (1800, 10))
    for shares in ((0.5, 0.3, 0.15, 0.04, 0.01), (0.2, 0.2, 0.5, 0.1, 0.0))
]


def main() -> None:
    """Print a line per case."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=500)
    repeats = parser.parse_args().repeats
    np.set_printoptions(precision=3, suppress=True, linewidth=160)
    for first, second, seconds in CASES:
        found = coverage((first, second), seconds, repeats)
        kinds = len(first.shares)
        shares = f"{first.shares} and {second.shares}"
        print(f"{seconds} s, an expression lasts {first.dwell_s} s, shares {shares}:")  # noqa: T201
        print(f"  told {found.told:.0%}; shares held {found.held[:kinds]} width {found.width[:kinds]}")  # noqa: T201
        print(f"  probabilities held {found.held[kinds:]} width {found.width[kinds:]}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()

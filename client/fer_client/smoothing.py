"""Answers of one face averaged over a short window of time, so that single frames do not flicker.

The window is centred: a video is there as a whole, so nothing needs to lag behind, and an expression starts,
peaks and ends when it does in the picture. Its weights fall linearly to zero at both ends, a triangle, whose
spectrum has no negative lobe: no swing of the answers is turned round. Every frame counts for the time it
stands, so that uneven frame times and `--fps` change nothing.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from fer_client.inference import Predictions
from fer_client.timeline import SHORTEST_S, TimedFrame

_MOST_FRAMES = 4096
"""Frames held at most, whatever their times say."""


@dataclass(frozen=True)
class SmoothFrame:
    """A frame and, in `smooth`, its predictions averaged over time."""

    frame: TimedFrame
    smooth: Predictions


@dataclass(frozen=True, slots=True)
class _Held:
    """A frame in the window; `answers` has per appearance the expression, valence and arousal in one row."""

    frame: TimedFrame
    time_s: float
    weight_s: float
    answers: dict[int, NDArray[np.float32]]


def smoothed(frames: Iterable[TimedFrame], window_s: float) -> Iterator[SmoothFrame]:
    """Average every face's predictions over the window, half of it before the frame and half after.

    The frames come out in order and late by half the window. Only frames of the same appearance of a face
    count, none across a gap. A window of 0 gives the predictions as they are.
    """
    if not window_s:
        yield from (SmoothFrame(frame, frame.predictions) for frame in frames)
        return
    half_s = window_s / 2
    span: deque[_Held] = deque()
    done = 0
    for frame in frames:
        if frame.is_backwards or len(span) >= _MOST_FRAMES:
            yield from _smooth_rest(span, done, half_s)
            span.clear()
            done = 0
        span.append(_held(frame))
        while frame.time_s - span[done].time_s >= half_s:
            yield _smooth(span, span[done], half_s)
            done += 1
            while span[done - 1].time_s - span[0].time_s > half_s:
                span.popleft()
                done -= 1
    yield from _smooth_rest(span, done, half_s)


def _held(frame: TimedFrame) -> _Held:
    answers = frame.predictions
    affect = answers.valence_arousal
    rows = answers.expression if affect is None else np.hstack([answers.expression, affect])
    own = dict(zip(frame.appearances, rows, strict=True))
    return _Held(frame, frame.time_s, max(frame.extent_s, SHORTEST_S), own)


def _smooth_rest(span: deque[_Held], done: int, half_s: float) -> Iterator[SmoothFrame]:
    for held in islice(span, done, None):
        yield _smooth(span, held, half_s)


def _smooth(span: Iterable[_Held], held: _Held, half_s: float) -> SmoothFrame:
    """Average the faces of one frame over the span; frames beyond the window weigh nothing."""
    frame = held.frame
    if not held.answers:
        return SmoothFrame(frame, frame.predictions)
    near = [
        (other.answers, (1 - distance_s / half_s) * other.weight_s)
        for other in span
        if (distance_s := abs(other.time_s - held.time_s)) < half_s
    ]
    rows = np.array([_mean(near, appearance) for appearance in held.answers], np.float32)
    count = frame.predictions.expression.shape[1]
    has_affect = frame.predictions.valence_arousal is not None
    return SmoothFrame(frame, Predictions(rows[:, :count], rows[:, count:] if has_affect else None))


def _mean(near: list[tuple[dict[int, NDArray[np.float32]], float]], appearance: int) -> NDArray[np.float64]:
    """Weighted mean of one appearance's rows."""
    found = [(answers[appearance], weight) for answers, weight in near if appearance in answers]
    weights = np.array([weight for _, weight in found])
    return weights @ np.array([row for row, _ in found]) / weights.sum()

"""Answers of one face averaged over a short window of time, so that single frames do not flicker.

The window is centred on the middle of the time that a frame stands: a video is there as a whole, so nothing
needs to lag behind, and an expression starts, peaks and ends when it does in the picture. Its weights fall
linearly to zero at both ends, a triangle, whose spectrum has no negative lobe: no swing of the answers is turned
round. Every frame counts for the part of its time that lies in the window, by the triangle's area over that part,
so that uneven frame times and `--fps` change nothing.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from fer_client.inference.client import Predictions
from fer_client.temporal.durations import SHORTEST_S
from fer_client.temporal.frame import AnalysedFrame

_MOST_FRAMES = 4096
"""Frames held at most, whatever their times say."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A frame in the window, and from when to when it stands.

    `answers` has per appearance the expression, valence and arousal in one row.
    """

    frame: AnalysedFrame
    start_s: float
    end_s: float
    answers: dict[int, NDArray[np.float32]]

    @property
    def centre_s(self) -> float:
        return (self.start_s + self.end_s) / 2


def smoothed(frames: Iterable[AnalysedFrame], window_s: float) -> Iterator[AnalysedFrame]:
    """Average every face's predictions over the window, half of it before the frame and half after.

    The frames come out in order and late by half the window. Only frames of the same appearance of a face
    count, none across a gap. A window of 0 gives the predictions as they are.
    """
    if not window_s:
        yield from frames
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
        while done < len(span) and span[done].centre_s + half_s <= span[-1].end_s:
            held = span[done]
            yield _smooth(span, held, half_s)
            done += 1
            while span[0].end_s <= held.centre_s - half_s:
                span.popleft()
                done -= 1
    yield from _smooth_rest(span, done, half_s)


def _held(frame: AnalysedFrame) -> _Held:
    answers = frame.predictions
    affect = answers.valence_arousal
    rows = answers.expression if affect is None else np.hstack([answers.expression, affect])
    own = dict(zip(frame.appearances, rows, strict=True))
    return _Held(frame, frame.time_s, frame.time_s + max(frame.duration_s, SHORTEST_S), own)


def _smooth_rest(span: deque[_Held], done: int, half_s: float) -> Iterator[AnalysedFrame]:
    for held in islice(span, done, None):
        yield _smooth(span, held, half_s)


def _smooth(span: Iterable[_Held], held: _Held, half_s: float) -> AnalysedFrame:
    """Average the faces of one frame over the span; what lies beyond the window weighs nothing."""
    frame = held.frame
    if not held.answers:
        return frame
    centre_s = held.centre_s
    near = [
        (other.answers, weight)
        for other in span
        if (weight := _area(other.end_s - centre_s, half_s) - _area(other.start_s - centre_s, half_s)) > 0
    ]
    rows = np.array([_mean(near, appearance) for appearance in held.answers], np.float32)
    count = frame.predictions.expression.shape[1]
    has_affect = frame.predictions.valence_arousal is not None
    return replace(frame, smoothed=Predictions(rows[:, :count], rows[:, count:] if has_affect else None))


def _area(offset_s: float, half_s: float) -> float:
    """Area of the triangle between its middle and an offset from it, -1/2 to 1/2; negative before the middle."""
    share = min(1.0, max(-1.0, offset_s / half_s))
    return share - share * abs(share) / 2


def _mean(near: list[tuple[dict[int, NDArray[np.float32]], float]], appearance: int) -> NDArray[np.float64]:
    """Weighted mean of one appearance's rows."""
    found = [(answers[appearance], weight) for answers, weight in near if appearance in answers]
    weights = np.array([weight for _, weight in found])
    return weights @ np.array([row for row, _ in found]) / weights.sum()

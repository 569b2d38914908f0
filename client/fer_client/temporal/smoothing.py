"""Answers of one face averaged over a short window of time, so that single frames do not flicker.

The window is centred on the middle of the time that a frame stands: a video is there as a whole, so nothing
needs to lag behind, and an expression starts, peaks and ends when it does in the picture. Its weights fall
linearly to zero at both ends, a triangle, whose spectrum has no negative lobe: no swing of the answers is turned
round. Every frame counts for the part of its time that lies in the window, by the triangle's area over that part,
so that uneven frame times and `--fps` change nothing.

Live frames cannot wait for those after them. For these the window ends at the frame's own time t and reaches back
over its whole length w: the weight at t - a is 1 - a / w, for a from 0 to w, the past half of a triangle twice as
wide. A frame counts for the time since the one before, by the area over that. What is shown lags by w / 3, the
mean age, and a single odd frame weighs as much as in the centred window.
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

    `centre_s` is the middle of its own triangle. `answers` has per tracklet the expression, valence and arousal
    in one row.
    """

    frame: AnalysedFrame
    start_s: float
    end_s: float
    centre_s: float
    answers: dict[int, NDArray[np.float32]]


def smoothed(frames: Iterable[AnalysedFrame], window_s: float) -> Iterator[AnalysedFrame]:
    """Average every face's predictions over the window, half of it before the frame and half after.

    The frames come out in order and late by half the window. Only frames of the same tracklet of a face
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
        end_s = frame.time_s + max(frame.duration_s, SHORTEST_S)
        span.append(_held(frame, frame.time_s, end_s, (frame.time_s + end_s) / 2))
        while done < len(span) and span[done].centre_s + half_s <= span[-1].end_s:
            held = span[done]
            yield _smooth(span, held, half_s)
            done += 1
            while span[0].end_s <= held.centre_s - half_s:
                span.popleft()
                done -= 1
    yield from _smooth_rest(span, done, half_s)


def smoothed_at_once(frames: Iterable[AnalysedFrame], window_s: float) -> Iterator[AnalysedFrame]:
    """Average as `smoothed` does, but over the `window_s` seconds before each frame, which comes out at once.

    Every frame's `duration_s` is the time since the one before, as of `fer_client.temporal.durations.timed_at_once`.
    """
    if not window_s:
        yield from frames
        return
    span: deque[_Held] = deque(maxlen=_MOST_FRAMES)
    for frame in frames:
        if frame.is_backwards:
            span.clear()
        now_s = frame.time_s
        while span and span[0].end_s <= now_s - window_s:
            span.popleft()
        span.append(_held(frame, now_s - max(frame.duration_s, SHORTEST_S), now_s, now_s))
        yield _smooth(span, span[-1], window_s)


def _held(frame: AnalysedFrame, start_s: float, end_s: float, centre_s: float) -> _Held:
    answers = frame.predictions
    affect = answers.valence_arousal
    rows = answers.expression if affect is None else np.hstack([answers.expression, affect])
    own = dict(zip(frame.tracklets, rows, strict=True))
    return _Held(frame, start_s, end_s, centre_s, own)


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
    rows = np.array([_mean(near, tracklet) for tracklet in held.answers], np.float32)
    count = frame.predictions.expression.shape[1]
    has_affect = frame.predictions.valence_arousal is not None
    return replace(frame, smoothed=Predictions(rows[:, :count], rows[:, count:] if has_affect else None))


def _area(offset_s: float, half_s: float) -> float:
    """Area of the triangle between its middle and an offset from it, -1/2 to 1/2; negative before the middle."""
    share = offset_s / half_s
    if share >= 1:
        return 0.5
    if share <= -1:
        return -0.5
    return share - share * abs(share) / 2


def _mean(near: list[tuple[dict[int, NDArray[np.float32]], float]], tracklet: int) -> NDArray[np.float64]:
    """Weighted mean of one tracklet's rows."""
    found = [(answers[tracklet], weight) for answers, weight in near if tracklet in answers]
    weights = np.array([weight for _, weight in found])
    return weights @ np.array([row for row, _ in found]) / weights.sum()

"""Answers of one face averaged over a short window of time, so that single frames do not flicker.

The window is centred: a video is there as a whole, so nothing needs to lag behind, and an expression starts,
peaks and ends when it does in the picture. Its weights fall linearly to zero at both ends, a triangle, whose
spectrum has no negative lobe: no swing of the answers is turned round. Every frame counts for the time it
stands, so that uneven frame times and `--fps` change nothing.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_client.inference import Predictions
from fer_client.timeline import SHORTEST_S, TimedFrame

SMOOTH_S = 0.5
"""Default length of the window. Expressions that one can see without slow motion last half a second or more
(Ekman 2003, Emotions Revealed; Yan et al. 2013, doi:10.1007/s10919-013-0159-8): such a one fills the window
once and so keeps its full height, and what lasts for a frame or two is averaged away."""

_MOST_FRAMES = 4096
"""Frames held at most, whatever their times say."""


@dataclass(frozen=True)
class SmoothFrame:
    """A frame and, in `smooth`, its predictions averaged over time."""

    frame: TimedFrame
    smooth: Predictions


def smoothed(frames: Iterable[TimedFrame], window_s: float) -> Iterator[SmoothFrame]:
    """Average every face's predictions over the window, half of it before the frame and half after.

    The frames come out in order and late by half the window. Only frames of the same appearance of a face
    count, none across a gap. A window of 0 gives the predictions as they are.
    """
    half_s = window_s / 2
    span: deque[TimedFrame] = deque()
    done = 0
    for frame in frames:
        if frame.is_backwards or len(span) >= _MOST_FRAMES:
            yield from _smooth_rest(span, done, half_s)
            span.clear()
            done = 0
        span.append(frame)
        while done < len(span) and frame.time_s - span[done].time_s >= half_s:
            yield _smooth(span, span[done], half_s)
            done += 1
            while span[done - 1].time_s - span[0].time_s > half_s:
                span.popleft()
                done -= 1
    yield from _smooth_rest(span, done, half_s)


def _smooth_rest(span: deque[TimedFrame], done: int, half_s: float) -> Iterator[SmoothFrame]:
    for index in range(done, len(span)):
        yield _smooth(span, span[index], half_s)


def _smooth(span: Iterable[TimedFrame], frame: TimedFrame, half_s: float) -> SmoothFrame:
    """Average the faces of one frame over the span; frames beyond the window weigh nothing."""
    if not frame.tracks or not half_s:
        return SmoothFrame(frame, frame.predictions)
    weighed = [(other, _weight(other, frame.time_s, half_s)) for other in span]
    near = [(other, weight) for other, weight in weighed if weight > 0]
    parts = [_mean(near, appearance) for appearance in frame.appearances]
    affect = None if parts[0][1] is None else np.stack([part[1] for part in parts])  # type: ignore[misc]
    return SmoothFrame(frame, Predictions(np.stack([part[0] for part in parts]), affect))


def _weight(frame: TimedFrame, centre_s: float, half_s: float) -> float:
    return max(0.0, 1 - abs(frame.time_s - centre_s) / half_s) * max(frame.extent_s, SHORTEST_S)


def _mean(
    near: list[tuple[TimedFrame, float]], appearance: int
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Weighted means of one face's expression [K] and, where served, valence and arousal [2]."""
    found = [
        (frame.predictions, frame.appearances.index(appearance), weight)
        for frame, weight in near
        if appearance in frame.appearances
    ]
    weights = np.array([weight for _, _, weight in found])
    weights /= weights.sum()
    expression = weights @ np.stack([answer.expression[face] for answer, face, _ in found])
    affects = [
        answer.valence_arousal[face] for answer, face, _ in found if answer.valence_arousal is not None
    ]
    affect = (weights @ np.stack(affects)).astype(np.float32) if affects else None
    return expression.astype(np.float32), affect

"""How long each analysed frame stands; the tracklets of its faces are filled in on the way."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from fer_client.temporal.frame import AnalysedFrame
from fer_client.temporal.tracklets import Tracklets

SHORTEST_S = 1e-6
"""Weight of a frame without a duration, so that a single picture still has a dominant expression."""


def timed(
    frames: Iterable[AnalysedFrame],
    end_s: Callable[[], float | None] = lambda: None,
    shown_until_s: Callable[[], float | None] = lambda: None,
) -> Iterator[AnalysedFrame]:
    """Fill in how long every frame stands and which tracklets its faces are of, one frame behind the source.

    Where presentation times go backwards, time that was counted already is not counted again. The last
    frame stands as long as its predecessor, or until `shown_until_s` where that is longer, but at most until
    `end_s`. Both are asked after the last frame: how long the file shows it, and when the video ends.
    """
    tracklets = Tracklets()
    waiting: AnalysedFrame | None = None
    numbers: list[int] = []
    is_backwards = False
    latest_s, duration_s = -math.inf, 0.0
    for frame in frames:
        goes_back = waiting is not None and frame.time_s < waiting.time_s
        if waiting is not None:
            duration_s = max(0.0, frame.time_s - latest_s)
            yield replace(waiting, duration_s=duration_s, tracklets=numbers, is_backwards=is_backwards)
        latest_s = max(latest_s, frame.time_s)
        if goes_back:
            tracklets.restart()
        numbers = tracklets.of(frame.tracks, frame.time_s)
        waiting, is_backwards = frame, goes_back
    if waiting is not None:
        duration_s = max(duration_s, (shown_until_s() or -math.inf) - latest_s)
        last_s = end_s()
        if last_s is not None and last_s > latest_s:
            duration_s = min(duration_s or math.inf, last_s - latest_s)
        yield replace(waiting, duration_s=duration_s, tracklets=numbers, is_backwards=is_backwards)


def timed_at_once(
    frames: Iterable[AnalysedFrame], tracklets: Tracklets | None = None
) -> Iterator[AnalysedFrame]:
    """Do as `timed` without waiting for the next frame: each counts for the time since the one before.

    That is how long it stands where frames are evenly spaced. The first counts for nothing, so that the sum is
    the time from the first frame to the last; time that was counted already is not counted again. `tracklets`
    number the faces on where these frames follow others of the same video.
    """
    tracklets = tracklets or Tracklets(stands_from_before=True)
    before_s = -math.inf
    latest_s: float | None = None
    for frame in frames:
        is_backwards = frame.time_s < before_s
        if is_backwards:
            tracklets.restart()
        numbers = tracklets.of(frame.tracks, frame.time_s)
        latest_s = frame.time_s if latest_s is None else latest_s
        duration_s = max(0.0, frame.time_s - latest_s)
        before_s, latest_s = frame.time_s, max(frame.time_s, latest_s)
        yield replace(frame, duration_s=duration_s, tracklets=numbers, is_backwards=is_backwards)

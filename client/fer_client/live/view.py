"""The newest frame through all stages, and at once to those who look and to a recording."""

import statistics
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import groupby
from time import monotonic

from fer_client.live.feed import Feed
from fer_client.live.picture import Picture
from fer_client.media.limits import LimitedVideo
from fer_client.media.sampling import Counter
from fer_client.pipeline.context import Job
from fer_client.pipeline.interruption import Interruption
from fer_client.pipeline.low_latency import frames_as_they_come
from fer_client.pipeline.timing import StageClock
from fer_client.temporal.durations import timed_at_once
from fer_client.temporal.frame import AnalysedFrame
from fer_client.temporal.smoothing import smoothed_at_once
from fer_client.temporal.tracklets import Tracklets

_MOST_DELAYS = 100_000
"""Of which the figures at the end are made: an hour of 25 frames a second."""

_RATE_FRAMES = 60


@dataclass
class Figures:
    """How a view fares, by its last frames.

    Seconds from a frame's coming to its answer (`answered_s`), and to a page's word that it is shown (`shown_s`).
    """

    analysed: int = 0
    answered_s: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_DELAYS))
    shown_s: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_DELAYS))
    _times_s: deque[float] = field(default_factory=lambda: deque(maxlen=_RATE_FRAMES))

    def add(self, came_s: float, now_s: float) -> None:
        """Count a frame that came and was answered at these times of the clock."""
        self.analysed += 1
        self.answered_s.append(now_s - came_s)
        self._times_s.append(now_s)

    @property
    def frames_per_s(self) -> float:
        """Rate of the last frames that were answered."""
        times = self._times_s
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0


def percentiles(seconds: Collection[float]) -> dict[str, float] | None:
    """Return the median and the 95th percentile, `p50` and `p95`; None of fewer than two values."""
    if len(seconds) < 2:
        return None
    steps = statistics.quantiles(seconds, n=20, method="inclusive")
    return {"p50": steps[9], "p95": steps[18]}


@dataclass
class LiveView:
    """A feed under analysis; `run` hands every frame to each of `takers` as soon as it is answered."""

    feed: Feed
    job: Job
    takers: list[Callable[[Picture], None]] = field(default_factory=list)
    clock: StageClock = field(default_factory=StageClock)
    figures: Figures = field(default_factory=Figures)

    def run(self) -> None:
        """Analyse until the source ends, a signal has come or `--duration` is over.

        Raises InputError, ServerError and ContractError.
        """
        for analysed in self._frames():
            arrival, now_s = self.feed.current, monotonic()
            if arrival is None:
                raise ValueError("expected the frame of an answer to have come")
            self.figures.add(arrival.came_s, now_s)
            picture = Picture(analysed, arrival, now_s)
            for take in self.takers:
                take(picture)

    def _frames(self) -> Iterator[AnalysedFrame]:
        """Yield every frame before the next is asked for; nothing is averaged across two connections."""
        settings, tracklets = self.job.settings, Tracklets(stands_from_before=True)
        video = LimitedVideo(self.feed, settings.duration_s, self.job.interruption.has_come)
        job = replace(self.job, interruption=Interruption())  # the view ends, and what has come is kept
        with closing(frames_as_they_come(video, job, self.clock, Counter())) as frames:
            for _, connected in groupby(frames, key=self._connection):
                tracklets.restart()
                yield from smoothed_at_once(timed_at_once(connected, tracklets), settings.smooth_s)

    def _connection(self, _frame: AnalysedFrame) -> int | None:
        return self.feed.current.connection if self.feed.current else None

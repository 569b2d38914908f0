"""A part of a live view as an ordinary result folder, written in a thread of its own."""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fer_client.errors import FerError, UsageError, fails_alone
from fer_client.live.feed import Feed
from fer_client.live.picture import Picture
from fer_client.live.source import LiveSource
from fer_client.live.state import Phase, RecordingState
from fer_client.media.limits import LimitedVideo
from fer_client.media.sampling import Counter
from fer_client.outputs.provenance import provenance
from fer_client.outputs.result import write_analysis
from fer_client.outputs.result_folder import prepare_folder
from fer_client.pipeline.analysis import Analysis
from fer_client.pipeline.context import Job
from fer_client.pipeline.interruption import Interruption
from fer_client.pipeline.timing import StageClock
from fer_client.temporal.frame import AnalysedFrame

_MOST_WAITING = 3000
"""Frames that may wait for a slow disk: 100 s of 30 frames a second, a few MB."""

Totals = Mapping[str, tuple[float, int]]

Finished = Callable[[dict[str, Any], Path], None]


class Recorder:
    """Records on demand; each recording gets a folder of its own, whole or not at all.

    `switch` may be called from any thread. `tell` gets every change, `finished` a result and its folder;
    `failures` has the errors of recordings that were not kept.
    """

    def __init__(
        self,
        source: LiveSource,
        feed: Feed,
        job: Job,
        clock: StageClock,
        tell: Callable[[RecordingState], None],
        finished: Finished,
    ) -> None:
        self._source = source
        self._feed = feed
        self._job = replace(job, interruption=Interruption())  # Ctrl-C ends a recording, and keeps it
        self._clock = clock
        self._tell = tell
        self._finished = finished
        self._lock = threading.Lock()
        self._is_wanted = False
        self._current: _Recording | None = None
        self._totals = clock.totals()
        self._threads: list[threading.Thread] = []
        self.failures: list[FerError] = []

    def switch(self, is_on: bool) -> None:
        """Record from the next frame on; or end the recording, if there is one, and keep it."""
        if is_on:
            self._start()
        else:
            self._stop()

    def _start(self) -> None:
        with self._lock:
            if not self._is_wanted:
                self._is_wanted = True
                self._tell(RecordingState(Phase.ON, f"Recording into {self._job.settings.out}/."))

    def _stop(self) -> None:
        with self._lock:
            current, self._current = self._current, None
            was_wanted, self._is_wanted = self._is_wanted, False
            if current:
                self._tell(RecordingState(Phase.SAVING, "Saving the recording."))
                current.end(self._totals)
            elif was_wanted:
                self._tell(RecordingState(Phase.OFF, "Nothing was recorded, since no frame came."))

    def add(self, picture: Picture) -> None:
        """Take a frame that was analysed."""
        with self._lock:
            before, self._totals = self._totals, self._clock.totals()
            if not self._is_wanted:
                return
            if self._current is None:
                self._current = _Recording(self._source, self._feed, self._job, before)
                thread = threading.Thread(
                    target=self._write, args=(self._current,), name="recording", daemon=True
                )
                self._threads.append(thread)
                thread.start()
            if not self._current.add(picture.analysed):
                self._current, self._is_wanted = None, False

    def close(self) -> None:
        """End the recording and wait until all are written."""
        self._stop()
        for thread in self._threads:
            thread.join()

    def _write(self, recording: "_Recording") -> None:
        try:
            with fails_alone(self._source.shown):
                result, folder = recording.write()
        except FerError as error:
            self.failures.append(error)
            state = RecordingState(Phase.FAILED, str(error))
        else:
            self._finished(result, folder)
            state = RecordingState(Phase.SAVED, f"Saved {folder}/.")
        with self._lock:
            if self._current is recording:  # which has failed
                self._current, self._is_wanted = None, False
            if not self._is_wanted:  # else the next one is told of
                self._tell(state)


class _Recording:
    """The frames of one recording on their way to its folder.

    `before` and, at the end, `after` are the totals of the view's clock.
    """

    def __init__(self, source: LiveSource, feed: Feed, job: Job, before: Totals) -> None:
        self._source = source
        self._job = job
        self._before, self._after = before, before
        self._frames: queue.SimpleQueue[AnalysedFrame | None] = queue.SimpleQueue()
        self._video = LimitedVideo(feed, None, lambda: False)
        self._first: AnalysedFrame | None = None
        self._is_too_slow = False
        self._has_failed = False

    def add(self, frame: AnalysedFrame) -> bool:
        """Take a frame; tell whether the recording still goes on."""
        if self._first is None:
            self._first, frame = frame, replace(frame, duration_s=0.0)
            self._video.start_clock(frame.time_s)
        self._is_too_slow = self._frames.qsize() >= _MOST_WAITING
        self._frames.put(replace(frame, index=frame.index - self._first.index))
        return not (self._is_too_slow or self._has_failed)

    def end(self, after: Totals) -> None:
        """Say that no frame follows."""
        self._after = after
        self._frames.put(None)

    def write(self) -> tuple[dict[str, Any], Path]:
        """Write the frames as they come. Raises UsageError where the disk takes no more, and ServerError."""
        try:
            out = self._job.settings.out
            prepare_folder(out)
            known = provenance(self._source, self._job)
            clock, counter = StageClock(), Counter()
            frames = self._taken(clock, counter)
            analysis = Analysis(self._source, self._job, frames, clock, self._video, counter)
            return write_analysis(analysis, known, out / self._source.stem, lambda _: None, replaces=False)
        except BaseException:
            self._has_failed = True
            raise

    def _taken(self, clock: StageClock, counter: Counter) -> Iterator[AnalysedFrame]:
        """Yield the frames until the end; then the clock has what the view's stages took meanwhile."""
        for frame in iter(self._frames.get, None):
            if self._is_too_slow:
                raise UsageError(
                    f"{self._job.settings.out} takes the recording more slowly than frames come, so it is not kept. "
                    "Choose another disk with --out, --format csv, or fewer frames with --fps."
                )
            counter.decoded = frame.index + 1
            yield frame
        for stage, (seconds, count) in self._after.items():
            before_s, before = self._before.get(stage, (0.0, 0))
            clock.add(stage, seconds - before_s, count - before)

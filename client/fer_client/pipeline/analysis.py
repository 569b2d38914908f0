"""One input under analysis: its frames as they come, and how far it is."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from fer_client.errors import InputError, fails_alone
from fer_client.faces.alignment import FaceCrops
from fer_client.faces.tracking import Tracker
from fer_client.media.limits import LimitedVideo
from fer_client.media.sampling import Counter
from fer_client.media.sources import Photographs, Source, VideoSource
from fer_client.pipeline.context import Job
from fer_client.pipeline.interruption import Interruption
from fer_client.pipeline.low_latency import frames_as_they_come
from fer_client.pipeline.photos import Unreadable, faces_in_photographs
from fer_client.pipeline.sandbox.process import (
    Sandbox,
    is_confined,
    photographs_in_sandboxes,
)
from fer_client.pipeline.timing import StageClock
from fer_client.pipeline.video import faces_in_video
from fer_client.settings import Settings
from fer_client.temporal.durations import timed, timed_at_once
from fer_client.temporal.frame import AnalysedFrame, analysed, followed
from fer_client.temporal.smoothing import smoothed, smoothed_at_once

T = TypeVar("T")


@dataclass(frozen=True)
class Present:
    """What a face shows in the latest frame of a live stream, by the smoothed answers; `confidence` in [0, 1]."""

    track: int
    expression: str
    confidence: float


@dataclass(frozen=True)
class Progress:
    """How far one input has come; told after every frame.

    `share` is in [0, 1], None where the length is not known. `present`: the faces of a live stream, from left
    to right; None for other inputs.
    """

    source: str
    frames_analysed: int
    time_s: float
    share: float | None
    present: tuple[Present, ...] | None = None


@dataclass
class Analysis:
    """An input under analysis. All but `frames` is final when they have all been read."""

    source: Source
    job: Job
    frames: Iterator[AnalysedFrame]
    clock: StageClock
    video: LimitedVideo | None = None
    counter: Counter = field(default_factory=Counter)
    unreadable: dict[Path, InputError] = field(default_factory=dict)
    frames_analysed: int = 0

    @property
    def is_live(self) -> bool:
        """Whether it is a stream without a known end."""
        return self.video is not None and self.video.info.is_live

    def wall_time(self, frame: AnalysedFrame) -> datetime | None:
        """When a frame of a live stream came; None for other inputs."""
        return self.video.wall_time(frame.time_s) if self.video and self.is_live else None

    def progress(self, frame: AnalysedFrame) -> Progress:
        """Count one frame and say how far it is."""
        self.frames_analysed += 1
        present = _present(frame, self.job.contract.labels) if self.is_live else None
        return Progress(self.source.label, self.frames_analysed, frame.time_s, self._share(frame), present)

    def _share(self, frame: AnalysedFrame) -> float | None:
        if self.video is None:
            return (frame.index + 1) / len(self.source.paths)
        info = self.video.info
        lengths = [length for length in (info.duration_s, self.job.settings.duration_s) if length]
        if not lengths or info.is_live:
            return None
        return min(1.0, max(0.0, (frame.time_s - info.start_s) / min(lengths)))


def _present(frame: AnalysedFrame, labels: Sequence[str]) -> tuple[Present, ...]:
    answers = zip(frame.tracks, frame.smoothed.expression, strict=True)
    return tuple(
        Present(track or 0, labels[int(values.argmax())], float(values.max())) for track, values in answers
    )


def open_analysis(source: Source, job: Job) -> AbstractContextManager[Analysis]:
    """Open an input and begin; its threads, files and processes end with the block. Raises InputError."""
    if isinstance(source, VideoSource):
        return (_open_confined_video if is_confined(source, job.settings) else _open_video)(source, job)
    if isinstance(source, Photographs):
        return _open_photographs(source, job)
    raise TypeError(f"expected a video source or photographs, came {type(source).__name__}")


@contextmanager
def _open_video(source: VideoSource, job: Job) -> Iterator[Analysis]:
    clock, counter = StageClock(), Counter()
    with ExitStack() as stack:
        with fails_alone(source.shown):
            whole = stack.enter_context(source.open())
        is_enough = _never
        if whole.info.is_live:  # Ctrl-C is how a live stream ends: what has come so far is finished and kept
            is_enough, job = job.interruption.has_come, replace(job, interruption=Interruption())
        video = LimitedVideo(whole, job.settings.duration_s, is_enough)
        if job.settings.low_latency:
            frames: Iterator[AnalysedFrame] = stack.enter_context(
                closing(frames_as_they_come(video, job, clock, counter))
            )
        else:
            seen = stack.enter_context(closing(faces_in_video(video, job.looking, clock, counter)))
            frames = _followed(seen, job, clock)
        smooth = _over_time(frames, video, job.settings)
        yield Analysis(source, job, _failing_alone(smooth, source), clock, video, counter)


@contextmanager
def _open_confined_video(source: VideoSource, job: Job) -> Iterator[Analysis]:
    clock, counter = StageClock(), Counter()
    with closing(Sandbox(source, job.looking, clock, counter)) as sandbox:
        with fails_alone(source.shown):
            sandbox.open()
        video = LimitedVideo(sandbox, job.settings.duration_s, _never)
        seen = _with_clock(sandbox.faces(), video)
        smooth = _over_time(_followed(seen, job, clock), video, job.settings)
        yield Analysis(source, job, _failing_alone(smooth, source), clock, video, counter)


def _with_clock(seen: Iterable[FaceCrops], video: LimitedVideo) -> Iterator[FaceCrops]:
    """Tell the video its first frame, which another process reads."""
    for place, faces in enumerate(seen):
        if not place:
            video.start_clock(faces.time_s)
        yield faces


def _over_time(
    frames: Iterator[AnalysedFrame], video: LimitedVideo, settings: Settings
) -> Iterator[AnalysedFrame]:
    if settings.low_latency:
        return smoothed_at_once(timed_at_once(frames), settings.smooth_s)
    return smoothed(timed(frames, lambda: video.end_s, lambda: video.info.shown_until_s), settings.smooth_s)


def _never() -> bool:
    return False


def _failing_alone(frames: Iterator[T], source: Source) -> Iterator[T]:
    while True:
        with fails_alone(source.shown):
            frame = next(frames, None)
        if frame is None:
            return
        yield frame


@contextmanager
def _open_photographs(source: Photographs, job: Job) -> Iterator[Analysis]:
    clock = StageClock()
    unreadable: dict[Path, InputError] = {}
    read = photographs_in_sandboxes if is_confined(source, job.settings) else faces_in_photographs
    with closing(read(source, job.looking, clock)) as seen:
        frames = smoothed(_answered(seen, source, job, clock, unreadable), 0)
        yield Analysis(source, job, _failing_alone(frames, source), clock, unreadable=unreadable)


def _followed(seen: Iterable[FaceCrops], job: Job, clock: StageClock) -> Iterator[AnalysedFrame]:
    """Ask the server for the faces of a video's frames, and follow them from frame to frame."""
    follow = clock.timing(Tracker(job.first_score).follow, "track")
    for faces, answer in job.predict(seen, clock):
        yield followed(faces, follow(faces), answer)
    job.delivery.confirm()


def _answered(
    seen: Iterable[FaceCrops | Unreadable],
    source: Photographs,
    job: Job,
    clock: StageClock,
    unreadable: dict[Path, InputError],
) -> Iterator[AnalysedFrame]:
    """Ask the server for the faces of photographs; those that cannot be read go to `unreadable`.

    Raises InputError where none can be read.
    """

    def readable() -> Iterator[FaceCrops]:
        for came in seen:
            if isinstance(came, Unreadable):
                unreadable[source.paths[came.index]] = came.error
            else:
                yield came

    for faces, answer in job.predict(readable(), clock):
        yield analysed(faces, [None] * len(faces.scores), answer)
    job.delivery.confirm()
    if len(unreadable) == len(source.paths):
        raise next(iter(unreadable.values()))

"""One input from its frames to its result folder; rows are written as they come."""

import importlib.metadata
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fer_client.episodes import EPISODE_COLUMNS, Episode, Episodes
from fer_client.errors import InputError
from fer_client.fingerprints import fingerprint
from fer_client.frames import Video
from fer_client.interruption import Interruption
from fer_client.job import Job
from fer_client.limits import LimitedVideo
from fer_client.photographs import analysed_photographs
from fer_client.pipeline import Counter, analysed_frames
from fer_client.records import FaceRecord, columns, records
from fer_client.results import result_folder
from fer_client.smoothing import SmoothFrame, smoothed
from fer_client.sources import Film, Photographs, Source
from fer_client.stages import StageClock
from fer_client.summary import Summary
from fer_client.tables import FORMATS
from fer_client.timeline import timed


@dataclass(frozen=True)
class Progress:
    """How far one input has come; told after every frame.

    `share` is in [0, 1], None where the length is not known.
    """

    source: str
    frames_analysed: int
    time_s: float
    share: float | None


@dataclass
class Analysis:
    """An input under analysis. All but `frames` is final when they have all been read."""

    source: Source
    job: Job
    frames: Iterator[SmoothFrame]
    clock: StageClock
    video: Video | None = None
    counter: Counter = field(default_factory=Counter)
    unreadable: dict[Path, InputError] = field(default_factory=dict)
    frames_analysed: int = 0

    def records(self, item: SmoothFrame) -> Iterator[FaceRecord]:
        """Make the records of one frame."""
        name = self.source.name_of_frame(item.frame.seen.index)
        return records(item, self.job.contract.labels, name)

    def progress(self, item: SmoothFrame) -> Progress:
        """Count one frame and say how far it is."""
        self.frames_analysed += 1
        return Progress(self.source.label, self.frames_analysed, item.frame.time_s, self._share(item))

    def _share(self, item: SmoothFrame) -> float | None:
        if self.video is None:
            return (item.frame.seen.index + 1) / len(self.source.paths)
        info = self.video.info
        lengths = [length for length in (info.duration_s, self.job.settings.duration_s) if length]
        if not lengths or info.is_live:
            return None
        return min(1.0, max(0.0, (item.frame.time_s - info.start_s) / min(lengths)))


def open_analysis(source: Source, job: Job) -> AbstractContextManager[Analysis]:
    """Open an input and begin; its threads and files are closed with the block. Raises InputError."""
    if isinstance(source, Film):
        return _open_film(source, job)
    if isinstance(source, Photographs):
        return _open_photographs(source, job)
    raise TypeError(f"expected a film or photographs, came {type(source).__name__}")


@contextmanager
def _open_film(source: Film, job: Job) -> Iterator[Analysis]:
    clock, counter = StageClock(), Counter()
    with source.open() as whole:
        is_enough = _never
        if whole.info.is_live:  # Ctrl-C is how a live stream ends: what has come so far is finished and kept
            is_enough, job = job.interruption.has_come, replace(job, interruption=Interruption())
        video = LimitedVideo(whole, job.settings.duration_s, is_enough)
        with closing(analysed_frames(video, job, clock, counter)) as frames:
            smooth = smoothed(timed(frames, video.end_s), job.settings.smooth_s)
            yield Analysis(source, job, smooth, clock, video, counter)


def _never() -> bool:
    return False


@contextmanager
def _open_photographs(source: Photographs, job: Job) -> Iterator[Analysis]:
    clock = StageClock()
    unreadable: dict[Path, InputError] = {}
    with closing(analysed_photographs(source, job, clock, unreadable)) as frames:
        yield Analysis(source, job, smoothed(frames, 0), clock, unreadable=unreadable)


def analyse(source: Source, target: Path, job: Job, report: Callable[[Progress], None]) -> dict[str, Any]:
    """Analyse one input into the folder `target` and return what summary.json holds.

    Raises InputError, ServerError, UsageError or Interrupted; then `target` is as it was before.
    """
    started_s = time.perf_counter()
    labels = job.contract.labels
    make_table = FORMATS[job.settings.table_format]
    with open_analysis(source, job) as analysis, result_folder(target) as folder:
        with (
            make_table(folder, "faces", columns(labels)) as faces,
            make_table(folder, "episodes", EPISODE_COLUMNS) as told,
        ):
            summary = follow(
                analysis,
                report,
                lambda record: faces.write(record.row(labels)),
                lambda episode: told.write(episode.row()),
            )
        result = whole_result(analysis, summary, started_s)
        (folder / "summary.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result


def follow(
    analysis: Analysis,
    report: Callable[[Progress], None],
    take_record: Callable[[FaceRecord], None],
    take_episode: Callable[[Episode], None],
) -> Summary:
    """Read all frames of the input, pass on every record and episode as they come, and summarise them."""
    job, clock = analysis.job, analysis.clock
    summary = Summary(job.contract.labels, job.contract.has_valence_arousal)
    episodes = Episodes(job.contract.labels)
    for item in analysis.frames:
        with clock.time("write"):
            for record in analysis.records(item):
                take_record(record)
            summary.add(item)
            for episode in episodes.add(item):
                take_episode(episode)
                summary.add_episode(episode)
        report(analysis.progress(item))
        job.interruption.check()
    for episode in episodes.rest():
        take_episode(episode)
        summary.add_episode(episode)
    return summary


def whole_result(analysis: Analysis, summary: Summary, started_s: float) -> dict[str, Any]:
    """Return what summary.json holds of an input that was read; `started_s` is of time.perf_counter."""
    result = identity(analysis.source, analysis.job) | _result(analysis, summary)
    total_s = round(time.perf_counter() - started_s, 3)
    return result | {"stage_seconds": analysis.clock.result() | {"total": total_s}}


def identity(source: Source, job: Job) -> dict[str, Any]:
    """Return all that decides a result: the input's content, the settings and the networks."""
    weights = Path(job.detector.source)
    return {
        "input": {"kind": source.kind, "name": source.label, "fingerprint": source.fingerprint()},
        "settings": job.settings.as_record(source.kind),
        "models": {
            "client": importlib.metadata.version("fer-triton"),
            "fer": job.contract.version,
            "network": job.contract.network,
            "labels": list(job.contract.labels),
            "detector": job.detector.name,
            "detector_weights": fingerprint([weights]) if weights.is_file() else None,
        },
    }


def _result(analysis: Analysis, summary: Summary) -> dict[str, Any]:
    return {
        "server": analysis.job.server_version,
        "video": None if analysis.video is None else _video_record(analysis.video, summary),
        "unreadable": {path.name: str(error) for path, error in analysis.unreadable.items()},
        "frames_decoded": analysis.counter.decoded if analysis.video else summary.frames_analysed,
        "frames_detected": analysis.clock.count("detect"),
        **summary.result(),
    }


def _video_record(video: Video, summary: Summary) -> dict[str, Any]:
    info = video.info
    return {
        "name": info.name,
        "codec": info.codec,
        "width": info.width,
        "height": info.height,
        "rotation_deg": info.rotation_deg,
        "start_s": info.start_s,
        "duration_s": info.duration_s,
        "is_live": info.is_live,
        "damage": video.damage,
        "times_backwards": summary.times_backwards,
    }

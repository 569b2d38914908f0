"""One video analysed a few times, and what each time took."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from fer_client.bench.cost import Cost, measured
from fer_client.media.frame import Frame, Video, VideoInfo
from fer_client.media.sources import VideoFile
from fer_client.outputs.result import write_result
from fer_client.pipeline.analysis import Progress
from fer_client.pipeline.context import Job
from fer_client.visuals.copies import AnnotatedCopy
from fer_client.visuals.visual import Tick, add_visuals

PERCENTILES = (50, 95, 99)


@dataclass(frozen=True)
class _StampedFile(VideoFile):
    """A video file that notes when each frame was decoded, by its presentation time."""

    decoded_s: dict[float, float] = field(default_factory=dict)

    @contextmanager
    def open(self) -> Iterator[Video]:
        with super().open() as video:
            yield _StampedVideo(video, self.decoded_s)


@dataclass(frozen=True)
class _StampedVideo:
    video: Video
    decoded_s: dict[float, float]

    @property
    def info(self) -> VideoInfo:
        return self.video.info

    @property
    def corruption(self) -> str | None:
        return self.video.corruption

    def frames(self, allow_corruption: bool = False) -> Iterator[Frame]:
        for frame in self.video.frames(allow_corruption):
            self.decoded_s[frame.time_s] = time.perf_counter()
            yield frame


def measure(path: Path, job: Job, runs: int, annotates: bool, tell: Callable[[int], None]) -> dict[str, Any]:
    """Analyse a video `runs` times, with a copy that shows its faces where `annotates`; return the record.

    Of the times, each run's stand in `runs` and their medians in `figures`, of which the docs tell what each is. `tell`
    is called with the number of each run before it begins. Raises InputError and ServerError.
    """
    taken = []
    for number in range(runs):
        tell(number)
        result, run = _run(path, job, annotates)
        taken.append(run)
    return {
        "video": _video(path, result),
        "frames": result["frames_analysed"],
        "frames_detected": result["frames_detected"],
        "faces": sum(track["frames"] for track in result["tracks"]),
        "tells_intensity": job.contract.has_valence_arousal,
        "figures": medians(taken),
        "runs": taken,
    }


def medians(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of every number in records of one shape; None where one is not known."""
    first = runs[0]
    return {
        name: medians([run[name] for run in runs])
        if isinstance(value, dict)
        else None
        if any(run[name] is None for run in runs)
        else statistics.median(run[name] for run in runs)
        for name, value in first.items()
    }


def _run(path: Path, job: Job, annotates: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    source = _StampedFile(PurePosixPath("."), (path,))
    waits_s: list[float] = []

    def note(progress: Progress) -> None:
        waits_s.append(time.perf_counter() - source.decoded_s[progress.time_s])

    with tempfile.TemporaryDirectory() as folder:
        with measured() as analysis:
            result, target = write_result(source, Path(folder) / "result", job, note)
        copy = Cost()
        if annotates:
            with measured() as copy:
                settings = replace(job.settings, annotate=True)
                add_visuals([AnnotatedCopy()], source, target, settings, _silent, job.detector)
    return result, _figures(result, analysis, copy if annotates else None, waits_s)


@contextmanager
def _silent(_name: str) -> Iterator[Tick]:
    yield lambda _share: None


def _figures(
    result: dict[str, Any], analysis: Cost, copy: Cost | None, waits_s: Sequence[float]
) -> dict[str, Any]:
    length_s = _length_s(result)
    total_s = analysis.wall_s + (copy.wall_s if copy else 0.0)
    return {
        "processing_s": total_s,
        "predictions_s": analysis.wall_s,
        "preparation_s": copy.wall_s if copy else None,
        "real_time": length_s / total_s if length_s else None,
        "frames_per_s": result["frames_analysed"] / analysis.wall_s,
        "frame_ms": {f"p{percent}": float(1000 * np.percentile(waits_s, percent)) for percent in PERCENTILES},
        "processor_s": analysis.own_s + (copy.own_s if copy else 0.0),
        "predictions_processor_s": analysis.own_s,
        "undisturbed_s": analysis.undisturbed_s + (copy.undisturbed_s if copy else 0.0),
        "peak_mb": _most([analysis.peak_mb, copy.peak_mb if copy else None]),
        "server_peak_mb": analysis.server_peak_mb,
        "stages_s": {name: seconds for name, seconds in result["stage_seconds"].items() if name != "total"},
    }


def _most(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return max(known) if known else None


def _length_s(result: dict[str, Any]) -> float | None:
    return result["video"]["duration_s"]


def _video(path: Path, result: dict[str, Any]) -> dict[str, Any]:
    shown = result["video"]
    return {
        "name": path.name,
        "format": path.suffix,
        "megabytes": path.stat().st_size / 1e6,
        **{name: shown[name] for name in ("codec", "width", "height", "duration_s")},
    }

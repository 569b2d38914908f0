"""All videos of one command, with one server, and what the whole was measured on."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from fer_client.bench.conditions import conditions
from fer_client.bench.cost import measured, seconds_since_start
from fer_client.bench.measuring import measure
from fer_client.errors import InputError
from fer_client.faces.detection import DetectorChoice
from fer_client.media.sources import video_file
from fer_client.pipeline.context import Job, open_job
from fer_client.pipeline.interruption import Interruption
from fer_client.settings import Settings

Figures = dict[str, Any]


def bench_videos(
    videos: Sequence[Path],
    settings: Settings,
    detector: DetectorChoice,
    url: str | None,
    runs: int,
    annotates: bool,
    notify: Callable[[str], None],
) -> Figures:
    """Measure each video `runs` times and return the record.

    Raises InputError, before anything is measured, for a video that cannot be opened; ServerError and ContractError.
    """
    for path in videos:
        if not path.is_file():
            raise InputError(f"{path}: expected a video file, but there is none.")
        video_file(path).check()
    before, began_s = conditions(), time.perf_counter()
    interruption = Interruption()
    interruption.install()
    imported_s = time.process_time()
    with ExitStack() as stack:
        with measured() as opening:
            job = stack.enter_context(open_job(settings, detector, url, notify, interruption))
        start_s = seconds_since_start() or time.perf_counter() - began_s
        videos_measured = [_measured(path, job, runs, annotates, notify) for path in videos]
        return {
            "conditions": before,
            "command": {"runs": runs, "annotates": annotates, "settings": settings.as_record("video")}
            | {name: getattr(settings, name) for name in ("batch_size", "in_flight", "detection_workers")},
            "server": job.server_version,
            "network": job.contract.network,
            "detector": detector.name,
            "start_s": start_s,
            "start_undisturbed_s": imported_s + opening.undisturbed_s,
            "videos": videos_measured,
        }


def _measured(path: Path, job: Job, runs: int, annotates: bool, notify: Callable[[str], None]) -> Figures:
    def tell(number: int) -> None:
        job.interruption.check()
        notify(f"{path}: run {number + 1} of {runs}")

    return measure(path, job, runs, annotates, tell)

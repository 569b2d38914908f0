"""One process of a batch: it analyses videos one after the other, with one server for all."""

import os
import socket
import stat
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fer_client.batch.manifest import Item
from fer_client.batch.storage import Storage, fetch, version_of
from fer_client.errors import FerError, InputError, UsageError, fails_alone
from fer_client.faces.detection import choose_detector
from fer_client.media.discovery import find_inputs
from fer_client.outputs.result import write_result
from fer_client.outputs.result_folder import prepare_folder, scratch_folder
from fer_client.pipeline.context import Job, open_job
from fer_client.pipeline.interruption import Interruption
from fer_client.settings import Settings


@dataclass(frozen=True)
class Plan:
    """How all videos of a batch are analysed, and where their results go; each worker gets it."""

    settings: Settings
    out: str
    url: str | None
    detector_kind: str
    detector_model: Path | None


@dataclass(frozen=True)
class Outcome:
    """What came of a video: its summary, or why there is none."""

    item: Item
    summary: dict[str, Any] | None = None
    error: FerError | None = None


class Worker:
    """Analyses videos; the server is found, or started, with the first one and kept."""

    def __init__(self, plan: Plan, interruption: Interruption | None = None) -> None:
        self._plan = plan
        self._interruption = interruption or Interruption()
        self._resources = ExitStack()
        self._job: Job | None = None

    def analyse(self, item: Item) -> Outcome:
        """Analyse one video and store its result; whatever its fault, the next one can follow."""
        try:
            with fails_alone(item.shown):
                return Outcome(item, self._analyse(item))
        except FerError as error:
            return Outcome(item, error=error)

    def close(self) -> None:
        """Let the server go."""
        self._resources.close()

    def _analyse(self, item: Item) -> dict[str, Any]:
        job = self._opened_job()
        place = _scratch_place()
        prepare_folder(place)  # rids it of what workers that were killed left there
        with scratch_folder(place) as scratch:
            version = version_of(item.place)
            sources = find_inputs(
                [str(fetch(item.place, scratch))], None, most_pixels=job.settings.max_pixels
            )
            for error in sources.failures.values():
                raise error
            if len(sources.sources) != 1:
                raise InputError(f"{item.shown}: expected one video, but it is a folder. Name its videos.")
            summary, folder = write_result(sources.sources[0], scratch / "result", job, lambda _: None)
            summary["input"] |= {"origin": item.shown}
            worker = {"host": socket.gethostname(), "process": os.getpid()}
            summary["batch"] = {"video": item.key, "version": version, "worker": worker}
            Storage(self._plan.out).put(item.key, folder, summary)
        return summary

    def _opened_job(self) -> Job:
        if self._job is None:
            plan = self._plan
            detector = choose_detector(plan.detector_kind, plan.detector_model, plan.settings.min_score)
            opening = open_job(plan.settings, detector, plan.url, lambda _: None, self._interruption)
            self._job = self._resources.enter_context(opening)
        return self._job


def _scratch_place() -> Path:
    """Give this user's place among the temporary folders; raises UsageError where somebody else has taken it."""
    place = Path(tempfile.gettempdir(), f"fer-batch-{os.getuid()}")
    with suppress(FileExistsError):
        place.mkdir(mode=0o700)
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise UsageError(
            f"Expected {place} to be a folder of this user, but it is somebody else's or none. Name another folder for "
            "temporary files with TMPDIR."
        )
    return place

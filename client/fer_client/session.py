"""All videos of one command: check them, find a server, analyse one after the other."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from fer_client.detection import DetectorChoice
from fer_client.embedded import Server, find_server
from fer_client.errors import FerError, Interrupted, ServerError
from fer_client.inference import InferenceClient
from fer_client.interruption import Interruption
from fer_client.job import Job
from fer_client.pipeline import Progress, analyse_video
from fer_client.results import check_target, folder_names
from fer_client.settings import Settings
from fer_client.tables import check_format
from fer_client.video import open_video


class Observer(Protocol):
    """Who is told how the videos fare."""

    def notify(self, message: str) -> None:
        """Take a sentence for the user."""
        ...

    def progress(self, name: str) -> AbstractContextManager[Callable[[Progress], None]]:
        """Give a function that is called after every frame of the video, within the context."""
        ...

    def finished(self, result: dict[str, Any], folder: Path) -> None:
        """Take the result of a video whose folder is whole."""
        ...


@dataclass
class Outcome:
    """The summaries of the videos that were analysed, and the errors of those that were not."""

    results: list[dict[str, Any]] = field(default_factory=list)
    failures: dict[Path, FerError] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """Return the highest exit code of the failures, 0 without any."""
        return max((failure.exit_code for failure in self.failures.values()), default=0)


def analyse_videos(
    videos: Sequence[Path], settings: Settings, detector: DetectorChoice, url: str | None, observer: Observer
) -> Outcome:
    """Analyse the videos, the good ones also after bad ones.

    Raises UsageError before anything is done where a setting cannot be followed, and ServerError,
    ContractError or Interrupted where no video can be analysed any more.
    """
    check_format(settings.table_format)
    targets = dict(zip(videos, (settings.out / name for name in folder_names(videos)), strict=True))
    for target in targets.values():
        check_target(target, videos)
    outcome = Outcome(failures=unreadable(videos))
    readable = {video: target for video, target in targets.items() if video not in outcome.failures}
    if not readable:
        return outcome  # there is no need for a server
    interruption = Interruption()
    interruption.install()
    with (
        find_server(url, observer.notify) as server,
        interruption.deferred(),
        InferenceClient(server.url, settings.timeout_s) as client,
    ):
        job = Job(settings, client, client.read_contract(), detector, client.server_version(), interruption)
        _analyse_each(readable, job, server, observer, outcome)
    return outcome


def unreadable(videos: Sequence[Path]) -> dict[Path, FerError]:
    """Find the videos that cannot even be opened."""
    failures: dict[Path, FerError] = {}
    for path in videos:
        try:
            with open_video(path):
                pass
        except FerError as error:
            failures[path] = error
    return failures


def _analyse_each(
    targets: dict[Path, Path], job: Job, server: Server, observer: Observer, outcome: Outcome
) -> None:
    for video, target in targets.items():
        try:
            with observer.progress(video.name) as report:
                result = analyse_video(video, target, job, report)
        except Interrupted:
            raise
        except FerError as error:
            outcome.failures[video] = server.explain(error)
            if isinstance(error, ServerError):
                return  # the next video would end in the same way
        else:
            outcome.results.append(result)
            observer.finished(result, target)

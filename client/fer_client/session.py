"""All videos of one command: check them, find a server, analyse one after the other."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from fer_client.analysis import Progress, analyse_video
from fer_client.detection import DetectorChoice
from fer_client.embedded import find_server
from fer_client.errors import ContractError, FerError, InputError, Interrupted, ServerError, UsageError
from fer_client.inference import InferenceClient
from fer_client.interruption import Interruption
from fer_client.job import Job
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
    """The summaries of the videos that were analysed, and the errors of those that were not.

    `ended_by` is the error that ended the whole command: no server, one that does not fit, or Ctrl-C.
    """

    results: list[dict[str, Any]] = field(default_factory=list)
    failures: dict[Path, FerError] = field(default_factory=dict)
    ended_by: FerError | None = None

    @property
    def exit_code(self) -> int:
        """Return the highest exit code of the errors, 0 without any."""
        errors = [*self.failures.values(), *([self.ended_by] if self.ended_by else [])]
        return max((error.exit_code for error in errors), default=0)


def analyse_videos(
    videos: Sequence[Path], settings: Settings, detector: DetectorChoice, url: str | None, observer: Observer
) -> Outcome:
    """Analyse the videos, the good ones also after bad ones.

    Raises UsageError, before anything is done, where a setting cannot be followed.
    """
    check_format(settings.table_format)
    names = folder_names(videos)
    outcome = Outcome(failures=unreadable(videos))
    targets = {
        video: settings.out / name
        for video, name in zip(videos, names, strict=True)
        if video not in outcome.failures
    }
    for target in targets.values():
        check_target(target, videos)
    if targets:  # else there is no need for a server
        try:
            _analyse_on_a_server(targets, settings, detector, url, observer, outcome)
        except (ServerError, ContractError, Interrupted) as error:
            outcome.ended_by = error
    return outcome


def _analyse_on_a_server(
    targets: dict[Path, Path],
    settings: Settings,
    detector: DetectorChoice,
    url: str | None,
    observer: Observer,
    outcome: Outcome,
) -> None:
    interruption = Interruption()
    interruption.install()
    with (
        find_server(url, observer.notify) as server,
        interruption.deferred(),
        InferenceClient(server.url, settings.timeout_s) as client,
    ):
        try:
            job = Job(
                settings, client, client.read_contract(), detector, client.server_version(), interruption
            )
            _analyse_each(targets, job, observer, outcome)
        except ServerError as error:
            raise server.explain(error) from error


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


def _analyse_each(targets: dict[Path, Path], job: Job, observer: Observer, outcome: Outcome) -> None:
    for video, target in targets.items():
        try:
            with observer.progress(video.name) as report:
                result = analyse_video(video, target, job, report)
        except (InputError, UsageError) as error:
            outcome.failures[video] = error
        else:
            outcome.results.append(result)
            observer.finished(result, target)

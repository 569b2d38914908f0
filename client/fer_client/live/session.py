"""A live view from its source to its end: feed, analysis, recordings and page together."""

import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fer_client import palette
from fer_client.errors import FerError
from fer_client.faces.detection import DetectorChoice
from fer_client.live.board import Board
from fer_client.live.feed import Feed
from fer_client.live.pages import live_app
from fer_client.live.recording import Recorder
from fer_client.live.serving import address, listen, served
from fer_client.live.source import LiveSource
from fer_client.live.state import Condition, State
from fer_client.live.view import Figures, LiveView, percentiles
from fer_client.live.viewer import Show
from fer_client.pipeline.context import Job, open_job
from fer_client.pipeline.interruption import Interruption
from fer_client.printable import counted
from fer_client.settings import Settings

_FAREWELL_S = 3.0
"""How long the end waits for pages to hear of it."""


@dataclass(frozen=True)
class Plan:
    """What is shown, and where. `is_recorded` from the first frame on; `is_looped`: a file plays again and again."""

    source: LiveSource
    settings: Settings
    detector: DetectorChoice
    url: str | None
    host: str
    port: int
    is_recorded: bool = False
    is_looped: bool = False


@dataclass(frozen=True)
class Ended:
    """How a view went: counts of frames, its figures, and the errors of what was not recorded."""

    decoded: int
    dropped: int
    figures: Figures
    failures: tuple[FerError, ...]

    @property
    def sentence(self) -> str:
        """Say it in one sentence."""
        came = f"{counted(self.decoded, 'frame')} came"
        counts = f"{came}, {self.figures.analysed} were analysed and {self.dropped} dropped"
        delays = (
            f"{name} in {1000 * found['p50']:.0f} ms (median) and {1000 * found['p95']:.0f} ms (95th percentile)"
            for name, seconds in (("answered", self.figures.answered_s), ("shown", self.figures.shown_s))
            if (found := percentiles(seconds))
        )
        return "; ".join([counts, *delays]) + "."


def show_live(
    plan: Plan,
    notify: Callable[[str], None],
    ready: Callable[[str], None],
    finished: Callable[[dict[str, Any], Path], None],
) -> Ended:
    """Serve the page until the source ends or a signal has come.

    `notify` takes sentences for the user, `ready` the page's address once it is served, `finished` each recording
    and its folder. Raises UsageError, InputError, ServerError and ContractError; what was recorded until then is kept.
    """
    listener = listen(plan.host, plan.port)
    with closing(listener):
        interruption = Interruption()
        interruption.install()
        with open_job(plan.settings, plan.detector, plan.url, notify, interruption) as job:
            return _run(plan, job, listener, ready, finished)


def _run(
    plan: Plan,
    job: Job,
    listener: socket.socket,
    ready: Callable[[str], None],
    finished: Callable[[dict[str, Any], Path], None],
) -> Ended:
    board = Board()
    with Feed(plan.source, board.tell, job.interruption.has_come, board.watched, plan.is_looped) as feed:
        view = LiveView(feed, job)
        recorder = Recorder(plan.source, feed, job, view.clock, board.tell_recording, finished)
        view.takers += [board.show, recorder.add]
        show = Show(
            board, _hello(plan, job), lambda: _figures(view), recorder.switch, view.figures.shown_s.append
        )
        with served(live_app(show, plan.host), listener):
            ready(address(listener, plan.host))
            if plan.is_recorded:
                recorder.switch(True)
                board.watched.set()  # so that nothing of a file waits for a page
            try:
                view.run()
            finally:
                recorder.close()
                board.tell(State(Condition.ENDED))
                board.unwatched.wait(_FAREWELL_S)
    # Two more may have waited, or been under way, as it ended.
    dropped = feed.decoded - view.figures.analysed
    return Ended(feed.decoded, dropped, view.figures, tuple(recorder.failures))


def _hello(plan: Plan, job: Job) -> dict[str, Any]:
    labels = job.contract.labels
    colours = palette.colours(labels)
    return {
        "source": plan.source.label,
        "labels": [
            {"name": label, "colour": colours[label], "ink": palette.ink_on(colours[label])}
            for label in labels
        ],
        "min_confidence": plan.settings.min_confidence,
    }


def _figures(view: LiveView) -> dict[str, Any]:
    return {
        "frames_per_s": round(view.figures.frames_per_s, 1),
        "decoded": view.feed.decoded,
        "dropped": view.feed.dropped,
    }

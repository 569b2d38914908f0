"""A live view run in this process, and a page that looks at it without a browser."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from fer_client.faces.detection import choose_detector
from fer_client.inference.client import Predictions
from fer_client.live.feed import Arrival
from fer_client.live.picture import Picture
from fer_client.live.session import Ended, Plan, show_live
from fer_client.live.source import find_live_source
from fer_client.media.images import picture_frame
from fer_client.settings import Settings
from fer_client.temporal.frame import AnalysedFrame

LONGEST_S = 20.0


def plan(source: str, url: str, out: Path, **options: Any) -> Plan:
    """A view with LumaFace on a free port; `settings` among the options are those of `Settings`."""
    settings = Settings(low_latency=True, out=out, **options.pop("settings", {}))
    detector = choose_detector("lumaface", None, settings.min_score)
    return Plan(find_live_source(source), settings, detector, url, "127.0.0.1", 0, **options)


@dataclass
class Page:
    """What a page is told: `states` in order, and the messages of the `pictures` with their JPEGs."""

    socket: ClientConnection
    hello: dict[str, Any] = field(default_factory=dict)
    states: list[dict[str, Any]] = field(default_factory=list)
    pictures: list[dict[str, Any]] = field(default_factory=list)
    jpegs: list[bytes] = field(default_factory=list)

    def say(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def read(self, *, answers: bool = True, timeout_s: float | None = None) -> Iterator[None]:
        """Take message after message until the view ends; say that each picture is shown.

        Raises TimeoutError where none comes in time.
        """
        for message in self._messages(timeout_s):
            if isinstance(message, bytes):
                self.jpegs.append(message)
                if answers:
                    with suppress(ConnectionClosed):  # the next message tells
                        self.say(type="shown", number=self.pictures[-1]["number"])
            else:
                content = json.loads(message)
                kind = content.pop("type")
                if kind == "hello":
                    self.hello = content
                else:
                    (self.pictures if kind == "picture" else self.states).append(content)
            yield

    def _messages(self, timeout_s: float | None) -> Iterator[str | bytes]:
        with suppress(ConnectionClosed):
            while True:
                yield self.socket.recv(timeout_s)

    def read_until(self, holds: Callable[["Page"], object]) -> None:
        for _ in self.read():
            if holds(self):
                return
        raise AssertionError("the view has ended before that")


def a_picture(number: int, time_s: float = 0.0, labels: int = 2) -> Picture:
    """A grey frame of 640x480 with one face, that of track 1, which shows the first of the labels."""
    probabilities = np.array([[0.9, *[0.1 / (labels - 1)] * (labels - 1)]], np.float32)
    answers = Predictions(probabilities, None)
    frame = picture_frame(number, time_s, np.full((480, 640, 3), 128, np.uint8))
    box = np.array([(100, 100, 200, 200)], np.int32)
    analysed = AnalysedFrame(number, time_s, box, np.ones(1, np.float32), [1], answers, answers)
    return Picture(analysed, Arrival(frame, time.monotonic(), 0), time.monotonic())


@contextmanager
def page(address: str, **options: Any) -> Iterator[Page]:
    host = urlsplit(address).netloc
    origin = Origin(options.pop("origin", f"http://{host}"))
    with connect(f"ws://{host}/watch", origin=origin, compression=None, **options) as socket:
        yield Page(socket)


def show(
    live: Plan, look: Callable[[str], None] | None = None
) -> tuple[Ended, list[tuple[dict[str, Any], Path]]]:
    """Run a view to its end while `look` runs in a thread; what that raises ends it and is raised here."""
    finished: list[tuple[dict[str, Any], Path]] = []
    failures: list[BaseException] = []
    threads: list[threading.Thread] = []
    has_ended = threading.Event()

    def ready(address: str) -> None:
        def run() -> None:
            try:
                if look:
                    look(address)
            except BaseException as error:
                failures.append(error)
                if not has_ended.is_set():
                    os.kill(os.getpid(), signal.SIGINT)

        threads.append(threading.Thread(target=run, daemon=True))
        threads[0].start()

    ended = show_live(live, lambda _: None, ready, lambda *result: finished.append(result))
    has_ended.set()
    for thread in threads:
        thread.join(LONGEST_S)
    for failure in failures:
        raise failure
    return ended, finished

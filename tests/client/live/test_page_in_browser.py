"""The page in a real Chromium, shown what a test puts on the board: programs that end, restart and fail."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from fer_client.live.board import Board
from fer_client.live.pages import live_app
from fer_client.live.picture import Picture
from fer_client.live.serving import address, listen, served
from fer_client.live.state import Condition, State
from fer_client.live.viewer import Show
from support.browser import chromium
from support.live import a_picture

pytestmark = pytest.mark.browser

LONGEST_S = 20
RED, GREEN = "#c81e1e", "#1ec81e"


class Program:
    """One that serves the page; `shown` takes the delay of each picture that the page says it has drawn."""

    def __init__(self, colour: str) -> None:
        self.board = Board()
        self.board.tell(State(Condition.LIVE))
        self.delays: queue.Queue[float] = queue.Queue()
        labels = [
            {"name": "happiness", "colour": colour, "ink": "#fff"},
            {"name": "neutral", "colour": "#777", "ink": "#fff"},
        ]
        hello = {"source": "talk.mp4", "labels": labels, "min_confidence": 0.5}
        figures = {"frames_per_s": 25.0, "decoded": 1, "dropped": 0}
        self.show = Show(self.board, hello, lambda: figures, lambda _: None, self.delays.put)

    def pictures(self, number: int, time_s: float, count: int = 3) -> None:
        """Show some, 0.4 s apart, and wait after each until the page says that it has."""
        for place in range(count):
            self.board.show(a_picture(number + place, time_s + 0.4 * place))
            self.delays.get(timeout=LONGEST_S)


@contextmanager
def running(port: int = 0, colour: str = RED) -> Iterator[tuple[Program, str]]:
    program = Program(colour)
    listener = listen("127.0.0.1", port)
    with served(live_app(program.show, "127.0.0.1"), listener):
        yield program, address(listener, "127.0.0.1")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as one:
        yield one


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def in_turn(page: Any, work: Any) -> None:
    """Do what waits for the page in a thread, while the page's own events are taken."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while thread.is_alive():
        page.wait_for_timeout(20)
    for failure in failures:
        raise failure


# The page is grey but for the label. A cell is about a pixel wide, so its colour is not exact; names are left of 60.
HAS_CELL = """([strong, weak]) => {
  const canvas = document.getElementById("timeline");
  const { data } = canvas.getContext("2d").getImageData(60, 0, canvas.width - 60, canvas.height);
  for (let at = 0; at < data.length; at += 4) if (data[at + strong] - data[at + weak] > 60) return true;
  return false;
}"""
IS_RED, IS_GREEN = (0, 1), (1, 0)
"""The channel that is strong, and one that is weak."""


def until(page: Any, condition: str, argument: Any = None) -> None:
    """Poll: the page's policy forbids it to evaluate what Playwright would wait for."""
    for _ in range(LONGEST_S * 20):
        if page.evaluate(condition, argument):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{condition}: {page.inner_text('#state')}")


def test_the_timeline_begins_anew_with_a_program_that_was_restarted(page: Any) -> None:
    with running() as (program, url):
        page.goto(url)
        in_turn(page, lambda: program.pictures(0, 1000.0))
        until(page, HAS_CELL, IS_RED)
    until(page, "document.getElementById('badge').textContent === 'offline'")
    with running(int(url.rstrip("/").rpartition(":")[2]), GREEN) as (program, _):
        assert program.board.watched.wait(LONGEST_S)
        until(page, "document.getElementById('badge').textContent === 'live'")
        in_turn(page, lambda: program.pictures(0, 0.0))
        until(page, "document.querySelector('#faces .what')?.textContent === 'happiness'")
        until(page, HAS_CELL, IS_GREEN)


def test_a_picture_that_cannot_be_decoded_does_not_hold_up_the_next(
    page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    with running() as (program, url):
        page.goto(url)
        with monkeypatch.context() as broken:
            broken.setattr(Picture, "jpeg", lambda _self, _width: b"no JPEG")
            in_turn(page, lambda: program.pictures(0, 0.0))
        in_turn(page, lambda: program.pictures(3, 2.0))
        until(page, HAS_CELL, IS_RED)
    assert errors == []


def test_an_error_while_sending_is_told_and_got_over(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_self: Picture, _width: int) -> bytes:
        raise ZeroDivisionError("made to fail")

    with running() as (program, url):
        page.goto(url)
        with monkeypatch.context() as failing:
            failing.setattr(Picture, "jpeg", broken)
            program.board.show(a_picture(0))
            until(page, "document.getElementById('state').textContent.includes('failed to send a picture')")
        in_turn(page, lambda: program.pictures(1, 0.1))
        until(page, HAS_CELL, IS_RED)

"""The live page in a real Chromium, of a file at its own speed, with the embedded Triton server."""

import json
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import pytest

from support.browser import Look, chromium, serious_faults
from support.command import start
from support.videos import default_frames, write_video

pytestmark = pytest.mark.browser

LONGEST_S = 60


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4 s with a face, a part without; its name is markup."""
    path = tmp_path_factory.mktemp("clips") / "<img src=x onerror=alert(1)>.mp4"
    frames = [cv2.resize(frame, (640, 480)) for frame in default_frames() for _ in range(4)]
    write_video(path, frames, range(0, 120 * 426, 426))
    return path


@dataclass
class Program:
    """A running `fer-client live`: where its page is, and what it has said, all of it once it has ended."""

    url: str
    said: list[str]


@contextmanager
def shown(clip: Path, folder: Path, *options: object) -> Iterator[Program]:
    """Run `fer-client live` until Ctrl-C at the end of the block."""
    with start(["live", clip, "--loop", "--port", 0, "--detector", "lumaface", *options], folder) as process:
        assert process.stderr
        lines: list[str] = []
        try:
            for line in process.stderr:
                lines.append(line)
                if " is shown at " in line:
                    break
            else:
                raise AssertionError("".join(lines))
            rest = threading.Thread(target=lambda: lines.extend(process.stderr or ()))
            rest.start()
            yield Program(line.partition(" is shown at ")[2].split()[0], lines)
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(60)
        rest.join()
        assert code == 0, "".join(lines)


@pytest.fixture(scope="module")
def address(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with shown(clip, tmp_path_factory.mktemp("run")) as program:
        yield program.url


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as one:
        yield one


@dataclass
class LiveLook(Look):
    """A page of a program, and the pictures on their way to it: sent, and not yet said to be drawn."""

    drawn: int = 0
    under_way: int = 0
    most_under_way: int = 0
    delays_ms: list[int] = field(default_factory=list)
    """The 95th percentiles that came with the pictures."""

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self.printed.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.printed.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: self.printed.append(f"dialog: {dialog.message}"))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", self._listen)

    def _listen(self, socket: Any) -> None:
        socket.on("framereceived", self._came)
        socket.on("framesent", self._said)

    def _came(self, payload: str | bytes) -> None:
        content = json.loads(payload) if isinstance(payload, str) else {}
        if content.get("type") == "picture":
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            self.delays_ms += [content["delay_ms"]["p95"]] if content["delay_ms"] else []

    def _said(self, payload: str | bytes) -> None:
        if json.loads(payload)["type"] == "shown":
            self.under_way -= 1
            self.drawn += 1

    def until(self, condition: str | Callable[[], bool]) -> None:
        """Poll: the page's policy forbids it to evaluate what Playwright would wait for."""
        deadline = time.monotonic() + LONGEST_S
        while not (self.page.evaluate(condition) if isinstance(condition, str) else condition()):
            assert time.monotonic() < deadline, f"{condition}; {self.text('#state')} {self.printed}"
            self.page.wait_for_timeout(50)

    def until_drawn(self, count: int) -> None:
        """Wait until the page has drawn so many pictures more."""
        until = self.drawn + count
        self.until(lambda: self.drawn >= until)

    def text(self, selector: str) -> str:
        return str(self.page.inner_text(selector))


@contextmanager
def look_at(browser: Any, url: str, **options: Any) -> Iterator[LiveLook]:
    context = browser.new_context(**options)
    look = LiveLook(context.new_page())
    look.page.goto(url)
    yield look
    context.close()


NUMBER = "parseInt(document.getElementById('{}').textContent)"
HAS_FACE = "document.querySelectorAll('#faces > li').length > 0"
HAS_DELAY = f"{NUMBER.format('delay95')} >= 0"


@pytest.fixture
def look(browser: Any, address: str) -> Iterator[LiveLook]:
    """One on which nothing may go wrong, and which asks for nothing elsewhere."""
    with look_at(browser, address) as one:
        yield one
        assert one.printed == []
        assert {url for url in one.requests if not url.startswith((address, "data:"))} == set()


def bright(look: LiveLook, selector: str) -> int:
    """How many different colours a canvas shows in a grid of points."""
    return int(
        look.page.evaluate(
            """selector => {
              const canvas = document.querySelector(selector), seen = new Set();
              const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
              for (let at = 0; at < data.length; at += 4 * 997) seen.add(data.slice(at, at + 3).join());
              return seen.size;
            }""",
            selector,
        )
    )


def test_it_shows_pictures_faces_and_a_timeline(look: LiveLook) -> None:
    look.until(HAS_FACE)
    look.until(HAS_DELAY)
    assert bright(look, "#picture") > 50
    assert bright(look, "#timeline") > 1
    assert look.text("#badge") == "live"
    look.until("document.getElementById('picture').ariaLabel.startsWith('Picture with face ')")
    look.until("document.querySelectorAll('#faces progress').length === 7")
    assert look.text("#source") == "<img src=x onerror=alert(1)>.mp4"
    assert look.page.query_selector("img") is None
    assert "Dropped" in look.text("#figures")


def test_the_delay_stays_bounded(browser: Any, clip: Path, tmp_path: Path) -> None:
    """No queue anywhere: at most two pictures on their way, one frame that waits and one in work.

    The 95th percentile counts from the first picture on, so a queue, which grows by each frame that comes too early,
    would make it grow with the number of pictures: sixfold from 20 to 120. A second is for what else runs here.
    """
    with shown(clip, tmp_path) as program, look_at(browser, program.url) as look:
        look.until_drawn(20)
        first_ms = look.delays_ms[-1]
        look.until_drawn(100)
        assert look.delays_ms[-1] <= 3 * first_ms + 1000
        assert look.most_under_way <= 2
        assert look.printed == []
    counts = re.search(r"(\d+) frames came, (\d+) were analysed and (\d+) dropped", "".join(program.said))
    assert counts
    came, analysed, dropped = map(int, counts.groups())
    assert came == analysed + dropped


def test_keys(look: LiveLook) -> None:
    look.until(HAS_FACE)
    look.page.keyboard.press("p")
    assert look.text("#badge") == "paused"
    assert look.page.get_attribute("#pause", "aria-pressed") == "true"
    assert "paused" in look.text("#state")
    look.page.keyboard.press("p")
    assert look.text("#badge") == "live"
    look.page.keyboard.press("?")
    assert look.page.is_visible("#help-dialog")
    look.page.keyboard.press("Escape")
    assert not look.page.is_visible("#help-dialog")
    reached = []
    for _ in range(3):
        look.page.keyboard.press("Tab")
        reached.append(look.page.evaluate("document.activeElement.id"))
    assert reached == ["pause", "record", "help"]
    look.page.keyboard.press("Enter")
    assert look.page.is_visible("#help-dialog")


def test_r_records_and_keeps(look: LiveLook) -> None:
    look.until(HAS_FACE)
    look.page.keyboard.press("r")
    look.until("document.getElementById('record').getAttribute('aria-pressed') === 'true'")
    assert "Recording into out/." in look.text("#state")
    look.until_drawn(3)
    look.page.keyboard.press("r")
    look.until("document.getElementById('state').textContent.includes('Saved out/')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_no_serious_fault(browser: Any, address: str, scheme: str, width: int) -> None:
    # axe puts itself into the page, which the page's policy forbids.
    options: dict[str, Any] = {
        "color_scheme": scheme,
        "viewport": {"width": width, "height": 800},
        "bypass_csp": True,
    }
    with look_at(browser, address, **options) as look:
        look.until(HAS_FACE)
        for is_open in (False, True):
            if is_open:
                look.page.keyboard.press("?")
            assert serious_faults(look.page) == []
        assert look.page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_page_waits_for_a_program_that_has_ended(browser: Any, clip: Path, tmp_path: Path) -> None:
    with ExitStack() as stack:
        with shown(clip, tmp_path) as program:
            look = stack.enter_context(look_at(browser, program.url))
            look.until(HAS_FACE)
        look.until("document.getElementById('badge').textContent === 'ended'")

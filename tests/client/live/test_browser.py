"""The live page in a real Chromium, of a file at its own speed, with the embedded Triton server."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import pytest

from support.command import start
from support.videos import default_frames, write_video

pytestmark = pytest.mark.browser

LONGEST_S = 60

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
if not CHROMIUM.exists():
    pytest.skip(f"needs {CHROMIUM}", allow_module_level=True)
sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4 s with a face, a part without; its name is markup."""
    path = tmp_path_factory.mktemp("clips") / "<img src=x onerror=alert(1)>.mp4"
    frames = [cv2.resize(frame, (640, 480)) for frame in default_frames() for _ in range(4)]
    write_video(path, frames, range(0, 120 * 426, 426))
    return path


@contextmanager
def shown(clip: Path, folder: Path, *options: object) -> Iterator[str]:
    """Run `fer-client live` and yield the address of its page; Ctrl-C ends it."""
    with start(["live", clip, "--loop", "--port", 0, "--detector", "haar", *options], folder) as process:
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
            yield line.partition(" is shown at ")[2].split()[0]
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(60)
        rest.join()
        assert code == 0, "".join(lines)


@pytest.fixture(scope="module")
def address(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with shown(clip, tmp_path_factory.mktemp("run")) as url:
        yield url


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


class Look:
    """A page, and what must not happen on it: errors, and requests to anywhere else."""

    def __init__(self, browser: Any, url: str, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda said: said.type == "error" and self.errors.append(said.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: self.errors.append(dialog.message))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(url)

    def until(self, condition: str) -> None:
        """Poll: the page's policy forbids it to evaluate what Playwright would wait for."""
        deadline = time.monotonic() + LONGEST_S
        while not self.page.evaluate(condition):
            assert time.monotonic() < deadline, f"{condition}; {self.text('#state')} {self.errors}"
            self.page.wait_for_timeout(50)

    def text(self, selector: str) -> str:
        return str(self.page.inner_text(selector))


NUMBER = "parseInt(document.getElementById('{}').textContent)"
HAS_FACE = "document.querySelectorAll('#faces > li').length > 0"
HAS_DELAY = f"{NUMBER.format('delay95')} >= 0"


@pytest.fixture
def look(chromium: Any, address: str) -> Iterator[Look]:
    one = Look(chromium, address)
    yield one
    assert one.errors == []
    assert {url for url in one.requests if not url.startswith((address, "data:"))} == set()
    one.context.close()


def bright(look: Look, selector: str) -> int:
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


def test_it_shows_pictures_faces_and_a_timeline(look: Look) -> None:
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


def test_the_delay_stays_bounded(look: Look) -> None:
    """A queue would grow: after 20 s no more than five times the first delay, whatever else runs here."""
    look.until(HAS_DELAY)
    first = look.page.evaluate(NUMBER.format("delay"))
    look.page.evaluate("window.last = performance.now() + 20_000")
    look.until("performance.now() > window.last")
    assert look.page.evaluate(NUMBER.format("delay")) < max(5 * first, 1000)


def test_keys(look: Look) -> None:
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


def test_r_records_and_keeps(look: Look) -> None:
    look.until(HAS_FACE)
    look.page.keyboard.press("r")
    look.until("document.getElementById('record').getAttribute('aria-pressed') === 'true'")
    assert "Recording into out/." in look.text("#state")
    look.page.evaluate("window.last = performance.now() + 1000")
    look.until("performance.now() > window.last")
    look.page.keyboard.press("r")
    look.until("document.getElementById('state').textContent.includes('Saved out/')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_no_serious_fault(chromium: Any, address: str, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    # axe puts itself into the page, which the page's policy forbids.
    options: dict[str, Any] = {
        "color_scheme": scheme,
        "viewport": {"width": width, "height": 800},
        "bypass_csp": True,
    }
    look = Look(chromium, address, **options)
    look.until(HAS_FACE)
    for is_open in (False, True):
        if is_open:
            look.page.keyboard.press("?")
        found = axe.Axe().run(look.page).response["violations"]
        assert [fault for fault in found if fault["impact"] in ("serious", "critical")] == []
    assert look.page.evaluate("document.documentElement.scrollWidth") <= width
    look.context.close()


def test_a_page_waits_for_a_program_that_has_ended(chromium: Any, clip: Path, tmp_path: Path) -> None:
    with shown(clip, tmp_path) as url:
        look = Look(chromium, url)
        look.until(HAS_FACE)
    look.until("document.getElementById('badge').textContent === 'ended'")
    look.context.close()

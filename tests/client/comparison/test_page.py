"""The page of a comparison in a real Chromium: what it shows, moves and saves, and that it asks nobody for anything."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.comparison.comparison import compare
from fer_client.comparison.page import write_page
from fer_client.comparison.sides import read_side
from support.made_results import LABELS, made_frame, sure_of, write_result

pytestmark = pytest.mark.browser

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

NASTY = "</script><script>alert(1)</script><img src=x onerror=alert(2)>.mp4"


def face_frames(seconds: int, seed: int, start_s: float = 0.0) -> list[Any]:
    shown = np.random.default_rng(seed).choice(LABELS, seconds)
    return [
        made_frame(place, start_s + place / 10, {1: sure_of(shown[place // 10])})
        for place in range(seconds * 10)
    ]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`videos.html` of 60 and 40 s, and `photographs.html`."""
    folder = tmp_path_factory.mktemp("pages")
    write_result(folder / "a", face_frames(60, 1), name=NASTY)
    write_result(folder / "b", face_frames(40, 2, start_s=7.0), name="after.mp4", models={"detector": "Haar"})
    for name, seed in (("c", 3), ("d", 4)):
        labels = np.random.default_rng(seed).choice(LABELS, 20)
        frames = [made_frame(place, 0.0, {None: sure_of(label)}) for place, label in enumerate(labels)]
        write_result(folder / name, frames, name=name, kind="photographs")
    for page, first, second in (("videos", "a", "b"), ("photographs", "c", "d")):
        comparison = compare(read_side(first, folder), read_side(second, folder))
        write_page(comparison, folder / f"{page}.html", offset_s=0.0)
    return folder


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


class Look:
    """An open page, with its errors and its requests to anywhere but itself."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on(
            "console", lambda said: said.type in ("error", "warning") and self.faults.append(said.text)
        )
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", lambda dialog: self.faults.append(dialog.message))
        self.page.on("request", self._note_request)
        self.page.goto(path.as_uri())
        self.page.wait_for_selector('html[data-state="ready"]', state="attached")

    def _note_request(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            self.faults.append(request.url)

    def ranges(self) -> list[list[float]]:
        """Start and end of what is shown of A and of B."""
        script = "['a', 'b'].map((side) => { const r = comparison.timelines[side]; return [r.start, r.end] })"
        return self.page.evaluate(script)


@pytest.fixture
def look(chromium: Any, pages: Path) -> Iterator[Look]:
    shown = Look(chromium, pages / "videos.html", viewport={"width": 1200, "height": 900})
    yield shown
    assert shown.faults == []
    shown.context.close()


def test_it_shows_names_as_they_are_and_what_else_may_lie_behind(look: Look) -> None:
    text = look.page.inner_text("body")
    assert NASTY in text
    assert "YuNet in A, Haar in B" in text
    assert "nor of people in general" in text
    assert look.page.locator("#figure-a canvas").count() > 0


def test_both_timelines_move_together(look: Look) -> None:
    assert look.ranges() == [[0, 60], [0, 60]]
    look.page.click("#zoom-in")
    assert look.ranges() == [[15, 45], [15, 45]]
    look.page.keyboard.press("]")
    assert look.ranges() == [[30, 60], [30, 60]]
    look.page.keyboard.press("0")
    box = look.page.locator("#figure-b").bounding_box()
    look.page.click("#zoom-in")
    look.page.mouse.move(box["x"] + 600, box["y"] + 60)
    look.page.mouse.down()
    look.page.mouse.move(box["x"] + 400, box["y"] + 60, steps=4)
    look.page.mouse.up()
    first, second = look.ranges()
    assert first == pytest.approx(second)
    assert first[0] > 16


def test_the_pointer_marks_both(look: Look) -> None:
    box = look.page.locator("#figure-a").bounding_box()
    lines = look.page.locator(".cursor")
    assert lines.count() == 2
    assert not lines.first.is_visible()
    look.page.mouse.move(box["x"] + 300, box["y"] + 60)
    places = [lines.nth(place).bounding_box()["x"] - box["x"] for place in range(2)]
    assert places == pytest.approx([300, 300], abs=2)
    look.page.mouse.move(box["x"] + 300, box["y"] - 60)
    assert not lines.nth(1).is_visible()


def test_an_offset_moves_b(look: Look) -> None:
    look.page.fill("#offset", "-12.5")
    look.page.keyboard.press("Enter")
    assert look.ranges() == [[-12.5, 60], [0, 72.5]]
    look.page.fill("#offset", "")
    look.page.keyboard.press("Tab")
    assert look.page.input_value("#offset") == "-12.5"


def test_tables_sort_by_keyboard(look: Look) -> None:
    button = look.page.locator("#share-table th button").nth(2)
    button.focus()
    for order in ("ascending", "descending"):
        look.page.keyboard.press("Enter")
        assert look.page.locator("#share-table th").nth(2).get_attribute("aria-sort") == order
        cells = look.page.locator("#share-table td:nth-child(3) .text").all_inner_texts()
        values = [int(cell.split()[0]) for cell in cells]
        assert values == sorted(values, reverse=order == "descending")


def test_the_numbers_can_be_saved(look: Look, tmp_path: Path) -> None:
    with look.page.expect_download() as waiting:
        look.page.click("#export")
    waiting.value.save_as(tmp_path / "saved.csv")
    with (tmp_path / "saved.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["expression"] for row in rows] == [*LABELS, "uncertain", *LABELS]
    assert sum(float(row["a"]) for row in rows if row["quantity"] == "share") == pytest.approx(1)


def test_dark_and_light_can_be_chosen(look: Look) -> None:
    before = look.page.evaluate("getComputedStyle(document.body).backgroundColor")
    look.page.click("#theme")
    assert look.page.evaluate("getComputedStyle(document.body).backgroundColor") != before


def test_it_prints(look: Look) -> None:
    assert look.page.pdf().startswith(b"%PDF")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", ["videos", "photographs"])
def test_axe_finds_no_fault(chromium: Any, pages: Path, name: str, width: int, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    options: dict[str, Any] = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    look = Look(chromium, pages / f"{name}.html", **options)
    assert [fault["id"] for fault in axe.Axe().run(look.page).response["violations"]] == []
    assert look.page.evaluate("document.documentElement.scrollWidth") <= width
    assert look.faults == []
    look.context.close()

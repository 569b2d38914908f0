"""The index of a study, a gallery and a page with a name that tries to be a script, in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.browser import chromium, look_at, serious_faults
from support.command import Command
from support.videos import empty_frame, face_frame, write_video

pytestmark = pytest.mark.browser

pytest.importorskip("bokeh", reason="needs the extra `report`")
pytest.importorskip("jinja2", reason="needs the extra `report`")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


def test_the_index_sorts_filters_and_leads_on(browser: Any, run: Command, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    write_video(folder / "a long.mp4", [face_frame()] * 20)
    write_video(folder / "b short.mp4", [empty_frame()] * 5)
    run(folder, "--report")
    with look_at(browser, tmp_path / "out" / "index.html", color_scheme="dark") as look:
        names = look.page.locator("#entries h2")
        assert names.all_inner_texts() == ["study/a long", "study/b short"]
        look.page.select_option("#order", "seconds")
        assert names.all_inner_texts() == ["study/a long", "study/b short"]
        look.page.locator("#falling").uncheck()
        assert names.all_inner_texts() == ["study/b short", "study/a long"]
        look.page.locator("#filter").fill("LONG")
        assert names.all_inner_texts() == ["study/a long"]
        assert look.printed == []
        assert serious_faults(look.page) == []
        report = tmp_path / "out" / str(names.locator("a").get_attribute("href")).replace("%20", " ")
        assert report.is_file()


def test_the_index_plays_its_videos_side_by_side(browser: Any, run: Command, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4", "broken.mp4"):
        write_video(folder / name, [face_frame()] * 50)
    run(folder, "--report")
    (folder / "broken.mp4").write_bytes(b"no video")
    playing = "() => [...document.querySelectorAll('video')].filter(({ paused }) => !paused).length"
    with look_at(browser, tmp_path / "out" / "index.html") as look:
        look.page.context.unroute_all()
        look.page.evaluate(
            "document.querySelectorAll('video').forEach((video) => (video.playbackRate = 0.1))"
        )
        button = look.page.locator("#play-all")
        button.click()
        look.page.wait_for_function(
            "() => [...document.querySelectorAll('video')].every((v) => v.currentTime)"
        )
        assert look.page.locator("#entries li img").count() == 1  # in the place of what cannot be played
        assert look.page.evaluate(playing) == 2
        assert button.inner_text() == "Pause all"
        look.page.locator("#filter").fill("a")
        look.page.wait_for_function(f"({playing})() === 1")
        look.page.locator("#content").press("k")
        look.page.wait_for_function(f"({playing})() === 0")
        look.page.wait_for_selector("#play-all:text('Play all')")
        look.page.locator("#content").press(" ")
        look.page.wait_for_selector("#play-all:text('Pause all')")
        assert serious_faults(look.page) == []


def test_a_gallery_sorts(browser: Any, run: Command, photographs: Path, tmp_path: Path) -> None:
    run(photographs, "--report")
    (report,) = (tmp_path / "out").rglob("report.html")
    with look_at(browser, report) as look:
        head = look.page.get_by_role("columnheader", name="Photograph")
        head.get_by_role("button").click()
        cells = look.page.locator("#faces-table td:first-child")
        assert cells.all_inner_texts() == ["2 face.png", "10 face.jpg"]
        head.get_by_role("button").click()
        assert cells.all_inner_texts() == ["10 face.jpg", "2 face.png"]
        assert look.page.locator("#gallery img").count() == 2
        assert serious_faults(look.page) == []


def test_a_gallery_shows_what_is_uncertain(
    browser: Any, run: Command, photographs: Path, tmp_path: Path
) -> None:
    run(photographs, "--report", "--min-confidence", "0.999")
    (report,) = (tmp_path / "out").rglob("report.html")
    with look_at(browser, report) as look:
        assert all(
            text.startswith("uncertain ") for text in look.page.locator("#gallery b").all_inner_texts()
        )
        look.page.select_option("#filter-expression", "uncertain")
        cells = look.page.locator("#faces-table td:nth-child(2)").all_inner_texts()
        assert [cell.split(" (")[0] for cell in cells] == ["uncertain"] * 2


def test_a_name_that_is_a_script_is_text(browser: Any, run: Command, tmp_path: Path) -> None:
    name = "<script>document.title='hit'<⁄script><img src=x onerror=document.title='hit'>.mp4"
    write_video(tmp_path / name)
    run(tmp_path / name, "--report")
    (report,) = (tmp_path / "out").rglob("report.html")
    with look_at(browser, report) as look:
        assert look.page.locator("h1").inner_text() == name
        assert look.page.title().startswith("<script>")
        assert [line for line in look.printed if not line.startswith("log:")] == []

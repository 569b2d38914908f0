"""The report as a reader meets it, in a real browser, opened from a file."""

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.media.sources import video_file
from fer_client.outputs.stored_result import StoredResult
from fer_client.settings import Settings
from fer_client.visuals.pages.template import render
from fer_client.visuals.report import Report, timed_page
from fer_client.visuals.report_media import Media
from fer_client.visuals.visual import Request
from support.browser import Look, chromium, look_at, serious_faults
from support.stored_results import made_up
from support.videos import TIME_BASE, face_frame, write_video

pytestmark = pytest.mark.browser

pytest.importorskip("bokeh", reason="needs the extra `report`")
pytest.importorskip("jinja2", reason="needs the extra `report`")

SECONDS, PEOPLE, RATE, START_S = 12.0, 3, 25, 2.0


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def result() -> StoredResult:
    made = made_up(SECONDS, PEOPLE, RATE, start_s=START_S)
    between = made.faces.frame % 6 != 0  # where no detector looked
    return replace(made, faces=replace(made.faces, scores=np.where(between, np.nan, made.faces.scores)))


@pytest.fixture(scope="module")
def report(result: StoredResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with a video that begins at START_S."""
    folder = tmp_path_factory.mktemp("report")
    clip = folder / "clip.mkv"
    ticks = [round((START_S + index / RATE) / TIME_BASE) for index in range(round(SECONDS * RATE))]
    write_video(clip, [face_frame(index % 40) for index in range(len(ticks))], ticks)
    path = folder / "report.html"
    Report().make(
        Request(result, video_file(clip), Settings(report=True, partial=True)), path, lambda _share: None
    )
    return path


@pytest.fixture
def look(browser: Any, report: Path) -> Iterator[Look]:
    with look_at(browser, report) as opened:
        yield opened


def moment(look: Look) -> float:
    """The time that the page says it is at."""
    minutes, seconds = look.page.locator("#moment").inner_text().split(":")
    return int(minutes) * 60 + float(seconds)


def wait_for_moment(look: Look, time_s: float, within: float = 0.06) -> None:
    """Wait until the page and its video are at a time."""
    look.page.wait_for_timeout(0)
    for _ in range(200):
        at = look.page.evaluate("document.getElementById('video').currentTime") + START_S
        if abs(moment(look) - time_s) <= within and abs(at - time_s) <= within:
            return
        look.page.evaluate("new Promise(requestAnimationFrame)")
    raise AssertionError(f"expected {time_s} s, but the page is at {moment(look)} and its video at {at}")


def cursor_share(look: Look) -> float:
    """Where the line in the timeline stands, as a share of the frame."""
    return float(
        look.page.evaluate("""() => {
            const line = document.querySelector("#figure-timeline .cursor").getBoundingClientRect();
            const bars = document.querySelector("#figure-timeline .bars").getBoundingClientRect();
            return (line.x + 1 - bars.x) / bars.width;
        }""")
    )


def click_timeline(look: Look, share: float) -> None:
    box = look.page.locator("#figure-timeline .bars").bounding_box()
    look.page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)


def first_column(look: Look, table: str, column: int) -> list[str]:
    return list(look.page.locator(f"#{table} tbody tr td:nth-child({column})").all_inner_texts())


def test_it_opens_without_an_error_or_a_request(look: Look, report: Path) -> None:
    assert [line for line in look.printed if not line.startswith("log:")] == []
    assert [url for url in look.requests if not url.startswith("blob:")] == [report.as_uri()]


def test_a_click_on_the_timeline_goes_there_and_the_line_follows(look: Look) -> None:
    click_timeline(look, 0.5)
    wait_for_moment(look, START_S + SECONDS / 2)
    assert cursor_share(look) == pytest.approx(0.5, abs=0.01)


def test_the_line_follows_the_video(look: Look) -> None:
    look.page.evaluate("document.getElementById('video').currentTime = 9")
    wait_for_moment(look, START_S + 9)
    assert cursor_share(look) == pytest.approx(9 / SECONDS, abs=0.01)


def test_it_plays_and_stops_with_the_space_bar(look: Look) -> None:
    look.page.locator("body").press(" ")
    look.page.wait_for_selector("#moment:not(:text('0:02.00'))")
    look.page.locator("body").press(" ")
    assert look.page.evaluate("document.getElementById('video').paused")
    assert START_S < moment(look) < START_S + SECONDS


def test_the_line_says_what_the_table_says(look: Look, result: StoredResult) -> None:
    click_timeline(look, 0.7)
    wait_for_moment(look, START_S + 0.7 * SECONDS)
    frame = int(np.flatnonzero(result.times_s <= moment(look) + 1e-3)[-1])
    for track, line in enumerate(look.page.locator("#now li").all_inner_texts(), start=1):
        (row,) = np.flatnonzero((result.faces.frame == frame) & (result.faces.track == track))
        assert result.labels[int(result.faces.smoothed[row].argmax())] in line


def test_an_episode_goes_to_its_beginning(look: Look, result: StoredResult) -> None:
    look.page.locator("#episodes-table tbody tr:nth-child(5) .time").first.click()
    wait_for_moment(look, result.episodes[4].start_s)
    look.page.keyboard.press(" ")
    look.page.wait_for_function("!document.getElementById('video').paused")


def test_the_table_sorts(look: Look, result: StoredResult) -> None:
    head = look.page.get_by_role("columnheader", name="Length")
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    lengths = [float(text.split()[0]) for text in first_column(look, "episodes-table", 5)]
    assert lengths == sorted(lengths)
    assert len(lengths) == len(result.episodes)
    head.get_by_role("button").click()
    assert [float(text.split()[0]) for text in first_column(look, "episodes-table", 5)] == sorted(lengths)[
        ::-1
    ]


def test_the_table_filters(look: Look, result: StoredResult) -> None:
    sure = [one for one in result.episodes if one.mean >= 0.5]
    label = sure[0].expression
    look.page.select_option("#filter-face", "2")
    look.page.select_option("#filter-expression", label)
    wanted = [one for one in sure if one.track == 2 and one.expression == label]
    assert first_column(look, "episodes-table", 2) == [label] * len(wanted)
    assert set(first_column(look, "episodes-table", 1)) <= {"Face 2"}


def test_the_tables_show_what_is_uncertain(look: Look, result: StoredResult) -> None:
    look.page.locator("#rows summary").click()
    look.page.select_option("#filter-expression", "uncertain")
    unsure = [f"uncertain ({one.expression})" for one in result.episodes if one.mean < 0.5]
    assert first_column(look, "episodes-table", 2) == unsure
    rows = int((result.faces.smoothed.max(axis=1) < 0.5).sum())
    assert rows
    named = first_column(look, "rows-table", 4)
    assert len(named) == min(rows, 300)
    assert all(name.startswith("uncertain (") for name in named)


def test_the_export_has_the_stretch_in_view_as_the_table_has_it(
    look: Look, result: StoredResult, tmp_path: Path
) -> None:
    look.page.evaluate("report.timeline.show(2, 8)")
    look.page.wait_for_selector("#shown:text('to 0:08.0')")
    with look.page.expect_download() as saving:
        look.page.locator("#export").click()
    path = tmp_path / "stretch.csv"
    saving.value.save_as(path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    faces = result.faces.where(result.faces.time_s < 8)
    assert [int(row["frame"]) for row in rows] == faces.frame.tolist()
    assert [row["time_s"] for row in rows] == [f"{time_s:.6f}" for time_s in faces.time_s]
    assert [int(row["track"]) for row in rows] == faces.track.tolist()
    boxes = [[int(row[side]) for side in "xywh"] for row in rows]
    assert boxes == faces.boxes_xywh.tolist()
    for name, values in {
        "confidence": faces.probabilities.max(axis=1),
        "smooth_confidence": faces.smoothed.max(axis=1),
        "smooth_valence": faces.smoothed_valence_arousal[:, 0],
    }.items():
        assert [row[name] for row in rows] == [f"{value:.6f}" for value in values]
    scores = ["" if np.isnan(score) else f"{score:.6f}" for score in faces.scores]
    assert [row["detection_score"] for row in rows] == scores
    expressions = [result.labels[index] for index in faces.probabilities.argmax(axis=1)]
    assert [row["expression"] for row in rows] == expressions


def test_everything_works_by_keyboard(look: Look, result: StoredResult) -> None:
    body = look.page.locator("body")
    body.press("ArrowRight")
    wait_for_moment(look, START_S + 1)
    body.press("n")
    wait_for_moment(look, next(one.start_s for one in result.episodes if one.start_s > START_S + 1.01))
    body.press("End")
    wait_for_moment(look, START_S + SECONDS, within=0.1)
    body.press("+")
    assert look.page.evaluate("report.timeline.shown[1] - report.timeline.shown[0]") == pytest.approx(
        SECONDS / 2
    )
    body.press("0")
    assert look.page.evaluate("report.timeline.shown") == [START_S, START_S + SECONDS]
    body.press("?")
    assert look.page.locator("#help").is_visible()
    look.page.keyboard.press("Escape")
    assert not look.page.locator("#help").is_visible()


def test_every_control_is_reached_with_tab(look: Look) -> None:
    seen = set()
    for place in ("body", "#episodes-title", "#rows summary"):
        look.page.locator(place).evaluate("(place) => { place.tabIndex = 0; place.focus(); }")
        for _ in range(16):
            look.page.keyboard.press("Tab")
            seen.add(look.page.evaluate("document.activeElement.id"))
    assert {"theme", "open-help", "video", "zoom-in", "filter-face", "export"} <= seen


def test_zoomed_in_every_frame_has_its_bar(look: Look, result: StoredResult) -> None:
    look.page.evaluate("report.timeline.show(4, 5)")
    bars = look.page.evaluate(
        "(() => { const bars = report.timeline.bars('timeline', 4, 5);"
        "return Object.values(bars).flatMap(({ sure, unsure }) => [...sure.top, ...unsure.top]); })()"
    )
    rows = (result.faces.time_s > 4 - 1 / RATE + 1e-6) & (result.faces.time_s < 5 - 1e-6)
    wanted = result.faces.smoothed[rows].max(axis=1) * 0.86 - (result.faces.track[rows] - 1)
    assert sorted(np.round(bars, 5)) == sorted(np.round(wanted.astype(float), 5))


def still_in_the_middle(seconds: float, still_s: float, is_away: bool) -> StoredResult:
    """A result in whose middle one frame stands long, with the face or without."""
    made = made_up(seconds, 1)
    later = np.where(np.arange(len(made.times_s)) > len(made.times_s) // 2, still_s, 0)
    times_s = made.times_s + later
    summary = made.summary | {"seconds_analysed": seconds + still_s}
    faces = replace(made.faces, time_s=times_s[made.faces.frame])
    if is_away:
        faces = faces.where(faces.frame != len(times_s) // 2)
    return replace(made, summary=summary, times_s=times_s, faces=faces)


@pytest.mark.parametrize("is_away", [False, True])
def test_a_still_is_drawn_as_long_as_it_stands(browser: Any, tmp_path: Path, is_away: bool) -> None:
    path = tmp_path / "still.html"
    made = still_in_the_middle(120, 30, is_away)
    path.write_text(render(timed_page(made, Media({"kind": "none", "reason": "made up"}))))
    with look_at(browser, path, viewport={"width": 800, "height": 900}) as look:
        drawn_ms = look.page.evaluate("""(() => {
            const bars = Object.values(report.timeline.bars("timeline", 0, 150));
            const all = bars.flatMap(({ sure, unsure }) => [sure, unsure]);
            return all.flatMap(({ left, right }) => left.map((start, index) => right[index] - start))
                .reduce((sum, length) => sum + length, 0);
        })()""")
        valence = look.page.evaluate(
            "[...Bokeh.documents[0].get_model_by_name('affect/points').data.valence].map(Number.isNaN)"
        )
        assert sum(valence) == is_away
        assert drawn_ms / 1000 == pytest.approx(120 if is_away else 150, abs=1.2)  # two places


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 360])
def test_axe_finds_no_serious_fault(browser: Any, report: Path, scheme: str, width: int) -> None:
    with look_at(browser, report, color_scheme=scheme, viewport={"width": width, "height": 800}) as look:
        look.page.locator("#rows summary").click()
        assert serious_faults(look.page) == []
        assert look.page.evaluate("document.documentElement.scrollWidth") <= width


def test_colours_are_chosen(look: Look) -> None:
    before = look.page.evaluate("getComputedStyle(document.body).backgroundColor")
    look.page.locator("#theme").click()
    assert look.page.evaluate("getComputedStyle(document.body).backgroundColor") != before


@pytest.mark.parametrize(("scheme", "ink"), [("light", "#1c2430"), ("dark", "#e7ebf0")])
def test_valence_and_arousal_have_no_colour_of_an_expression(
    browser: Any, report: Path, scheme: str, ink: str
) -> None:
    with look_at(browser, report, color_scheme=scheme) as look:
        lines = look.page.evaluate(
            "['affect', 'path'].flatMap((name) => report.timeline.views[name].model.renderers)"
            ".map(({ glyph }) => [glyph.line_color.value, glyph.line_dash?.value])"
        )
    assert [colour for colour, _ in lines] == [ink] * 4
    assert len({str(dash) for _, dash in lines[:2]}) == 2


def test_the_theme_button_says_what_it_does(look: Look) -> None:
    button = look.page.locator("#theme")
    assert button.get_attribute("aria-pressed") is None
    assert button.get_attribute("aria-label") == "Show the page in dark colours"
    button.click()
    assert button.get_attribute("aria-label") == "Show the page in light colours"


def test_a_table_with_the_focus_keeps_the_keys_that_scroll_it(look: Look) -> None:
    look.page.locator("[role=region]").first.press("ArrowRight")
    look.page.locator("[role=region]").first.press("End")
    assert moment(look) == START_S
    look.page.locator("#content").press("ArrowRight")
    wait_for_moment(look, START_S + 1)


def test_paper_gets_the_timelines(look: Look) -> None:
    look.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    look.page.emulate_media(media="print")
    size = look.page.locator("#figure-timeline .printed").bounding_box()
    assert size["width"] > 300
    assert size["height"] > 60
    assert not look.page.locator("#video").is_visible()
    look.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert look.page.locator(".printed").count() == 0


def test_an_hour_of_ten_people_is_small_and_smooth(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "hour.html"
    path.write_text(render(timed_page(made_up(3600, 10), Media({"kind": "none", "reason": "made up"}))))
    assert path.stat().st_size < 5_000_000
    with look_at(browser, path, viewport={"width": 1400, "height": 900}) as look:
        session = look.page.context.new_cdp_session(look.page)
        session.send(
            "Performance.enable", {"timeDomain": "threadTicks"}
        )  # other programs' time does not count

        def script_s() -> float:
            metrics = session.send("Performance.getMetrics")["metrics"]
            return next(float(one["value"]) for one in metrics if one["name"] == "ScriptDuration")

        began = script_s()
        look.page.evaluate("""async () => {
            for (let step = 0; step < 20; step++) {
                report.timeline.show(10 * step, 10 * step + 1800);
                await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            }
        }""")
        assert (script_s() - began) / 20 < 0.15
        assert [line for line in look.printed if not line.startswith("log:")] == []


def test_a_browser_without_decompression_is_told_so(browser: Any, report: Path) -> None:
    context = browser.new_context()
    context.add_init_script("delete globalThis.DecompressionStream")
    page = context.new_page()
    page.goto(report.as_uri())
    page.wait_for_selector("html[data-state=failed]")
    assert re.search("too old.*Chrome 80", page.locator("#failure").inner_text())
    context.close()

"""Pages hold all they need, run no script but their own, and escape what they show."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from fer_client.errors import UsageError
from fer_client.visuals.pages import template
from fer_client.visuals.pages.template import Page, as_json, clock, is_page, joined_scripts, render

pytest.importorskip("jinja2", reason="needs the extra `report`")

ASSETS = Path(template.__file__).parent / "assets"
NASTY = "</script><script>alert(1)</script> \"'&\u2028"


@pytest.fixture
def page() -> Page:
    context = {"title": "<b>t</b>", "subject": "S", "palette": {}, "entries": []}
    return Page(
        "index.html", ("dom.js", "theme.js", "index.js"), "index", context=context, blocks={"b": NASTY}
    )


def test_what_is_shown_is_escaped(page: Page) -> None:
    html = render(page)
    assert "<b>t</b>" not in html
    assert "&lt;b&gt;t&lt;/b&gt;" in html


def test_data_cannot_end_its_element() -> None:
    written = as_json({"name": NASTY})
    assert not set("<>&\u2028") & set(written)
    assert json.loads(written)["name"] == NASTY


def test_the_policy_lets_the_page_s_script_run_and_no_other(page: Page) -> None:
    html = render(page)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    checksum = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src &#39;sha256-{checksum}&#39;;" in policy[1]
    assert policy[1].startswith("default-src &#39;none&#39;;")
    assert "unsafe-eval" not in policy[1]


def test_nothing_is_loaded_from_anywhere(page: Page) -> None:
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', render(page))


@pytest.mark.parametrize("path", sorted(ASSETS.glob("*.js")), ids=lambda path: path.name)
def test_no_script_ends_its_own_element(path: Path) -> None:
    assert "</script" not in joined_scripts([path.name]).lower()


def test_a_page_is_known_by_its_kind(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    path.write_text(render(page))
    assert is_page(path, "index")
    assert not is_page(path, "report")
    path.write_text("<html>mine</html>")
    assert not is_page(path, "index")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00.0"), (59.96, "1:00.0"), (61.25, "1:01.2"), (3_725.5, "1:02:05")]
)
def test_times_are_written_as_on_a_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_a_missing_package_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    from fer_client.visuals.pages import bokeh_figures

    monkeypatch.setitem(bokeh_figures.PACKAGES, "Bokeh", "no_such_package_at_all")
    with pytest.raises(UsageError, match=r"Bokeh.*pip install bokeh jinja2"):
        bokeh_figures.check_packages()

"""Debian's Chromium, headless, as tests of pages drive it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
_FLAGS = (
    *("--no-sandbox", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


@contextmanager
def chromium() -> Iterator[Any]:
    """Yield a browser; skip the test, and say why, where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    if not CHROMIUM.is_file():
        pytest.skip(f"needs Chromium as {CHROMIUM}")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=str(CHROMIUM), args=list(_FLAGS))
        yield browser
        browser.close()


@dataclass
class Look:
    """An open page, what it printed and what it asked for."""

    page: Any
    printed: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def state(self) -> str:
        """Wait until the page has started, and return whether it is ready."""
        self.page.wait_for_selector("html[data-state]", timeout=60_000)
        return str(self.page.locator("html").get_attribute("data-state"))


@contextmanager
def look_at(browser: Any, path: Path, **options: Any) -> Iterator[Look]:
    """Open a file, with every request to anything but itself refused; `options` are those of a browser's context."""
    context = browser.new_context(**options)
    look = Look(context.new_page())
    look.page.on("console", lambda message: look.printed.append(f"{message.type}: {message.text}"))
    look.page.on("pageerror", lambda error: look.printed.append(f"error: {error}"))
    look.page.on("request", lambda request: look.requests.append(request.url))
    address = path.as_uri()
    # What a page makes of its own bytes (blob:) is no request to anybody.
    context.route(lambda url: url != address and not url.startswith("blob:"), lambda route: route.abort())
    look.page.goto(address)
    assert look.state() == "ready", look.printed
    yield look
    context.close()


def serious_faults(page: Any) -> list[str]:
    """Return what axe calls serious or critical on the page."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="needs axe-playwright-python"
    ).Axe()
    found = axe.run(page).response["violations"]
    return [
        f"{fault['id']}: {fault['nodes'][0]['html'][:200]} {fault['nodes'][0].get('failureSummary', '')}"
        for fault in found
        if fault["impact"] in {"serious", "critical"}
    ]

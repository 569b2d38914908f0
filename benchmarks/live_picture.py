"""Take the picture of the live page that the docs show.

    python -m benchmarks.live_picture out/sample.mp4 docs/live.png

The clip plays again and again for SECONDS; then, once so many faces as FACES are in the picture, the page is taken in
Debian's chromium. The figures on it are of this machine, with a browser that draws without a graphics card.
"""

import argparse
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

from fer_client.cli.console import notify
from fer_client.faces.detection import choose_detector
from fer_client.live.session import Plan, show_live
from fer_client.live.source import find_live_source
from fer_client.settings import AUTO, Settings

SECONDS = 45.0
FACES = 2
_VIEWPORT: ViewportSize = {"width": 1200, "height": 800}
_PATIENCE_S = 60.0
_COLOURS = 200
"""Of the palette, which makes the file a third as large."""


def take(address: str, picture: Path) -> None:
    """Look at the page and keep a picture of it."""
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        page = browser.new_page(viewport=_VIEWPORT, color_scheme="light")
        page.goto(address)
        page.wait_for_timeout(1000 * SECONDS)
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            while _faces(page) != FACES and time.monotonic() < until:
                page.wait_for_timeout(20)
            page.screenshot(path=picture, full_page=True)
            if _faces(page) == FACES:
                break
        browser.close()
    # Of Pillow's methods this one keeps colours that few pixels have, as those of the legend.
    small = Image.open(picture).convert("RGB").quantize(_COLOURS, Image.Quantize.FASTOCTREE)
    small.save(picture, optimize=True)


def _faces(page: Page) -> int:
    return len(page.query_selector_all("#faces > li"))


def main() -> None:
    """Parse the arguments and take the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clip", help="the clip of `benchmarks.sample_clip`")
    parser.add_argument("picture", type=Path, help="PNG file to write")
    arguments = parser.parse_args()
    settings = Settings(low_latency=True)
    detector = choose_detector(AUTO, None, settings.min_score)
    source = find_live_source(arguments.clip)
    plan = Plan(source, settings, detector, None, "127.0.0.1", 0, is_looped=True)

    def look(address: str) -> None:
        try:
            take(address, arguments.picture)
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    def ready(address: str) -> None:
        threading.Thread(target=look, args=(address,)).start()

    def ignore(_result: dict[str, Any], _folder: Path) -> None:
        pass

    notify(show_live(plan, notify, ready, ignore).sentence)


if __name__ == "__main__":
    main()

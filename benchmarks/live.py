"""Measure the live view: frames a second, the share dropped, and the delay from a frame to its answer.

    python -m benchmarks live [FILE] [--seconds 60] [--pictures FOLDER]

FILE is played at its own speed, again and again; without one it is a clip of 1280×720 at 30 frames/s with one face,
made of a picture of `benchmarks.sample_clip`. The server is an embedded one, and a page without a screen looks
(`benchmarks.live_page`, a process of its own): all on the same cores, and beside whatever else runs there. So what
others took of the cores meanwhile is told too.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.sample_clip import Image, load_picture, view, write_clip
from fer_client.bench.cost import measured
from fer_client.cli.console import notify
from fer_client.errors import ServerError
from fer_client.faces.detection import choose_detector
from fer_client.inference.embedded import embedded_server
from fer_client.live.session import Ended, Plan, show_live
from fer_client.live.source import find_live_source
from fer_client.live.view import percentiles
from fer_client.settings import AUTO, Settings, usable_cores

SIZE_WH = (1280, 720)
FPS = 30
CLIP_S = 10


def portrait_frames(pictures: Path | None) -> Iterator[Image]:
    """Yield the frames of a slow move over one portrait and back, uint8 [720, 1280, 3] BGR."""
    picture = load_picture("astronaut", pictures)
    for index in range(CLIP_S * FPS):
        share = abs(1 - 2 * index / (CLIP_S * FPS))
        yield view(picture, np.array([0.46 + 0.04 * share, 0.27, 0.7 + 0.2 * share]), SIZE_WH)


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("file", type=Path, nargs="?", help="a video; without one a clip is made")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long it is shown (default 60)")
    parser.add_argument("--pictures", type=Path, help="folder with the wheels of scikit-image and Matplotlib")


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Show the file, or a clip made for it, and return the record."""
    with tempfile.TemporaryDirectory() as folder:
        file = arguments.file
        if file is None:
            file = Path(folder) / "portrait-720p.mp4"
            write_clip(file, portrait_frames(arguments.pictures), SIZE_WH, FPS)
        return measure_view(file, arguments.seconds, arguments.detector_model)


def measure_view(file: Path, seconds: float, model: Path | None) -> dict[str, Any]:
    """Show a file for so many seconds with a page that looks, and return the record."""
    settings = Settings(low_latency=True, duration_s=seconds)
    detector = choose_detector(AUTO, model, settings.min_score)
    pages: list[subprocess.Popen[bytes]] = []

    def look(address: str) -> None:
        pages.append(subprocess.Popen([sys.executable, "-m", "benchmarks.live_page", address]))

    with embedded_server(notify) as server:
        if server.process is None:
            raise ServerError("The embedded server has no process to measure.")
        source = find_live_source(str(file))
        plan = Plan(source, settings, detector, server.url, "127.0.0.1", 0, is_looped=True)
        with measured(server.process.pid) as cost:
            ended = show_live(plan, notify, look, lambda _result, _folder: None)
        for page in pages:
            page.wait()
    busy = usable_cores() - cost.offered_s / cost.wall_s
    return {
        "video": file.name,
        "detector": detector.name,
        "cores": usable_cores(),
        "seconds": round(cost.wall_s, 1),
        "cores_taken_by_others": round(busy, 2),
        "load_average": round(os.getloadavg()[0], 2),
        "own_cores": round(cost.own_s / cost.wall_s, 2),
        **_result(ended, seconds),
    }


def _result(ended: Ended, seconds: float) -> dict[str, Any]:
    return {
        "frames_decoded": ended.decoded,
        "frames_per_s": round(ended.figures.analysed / seconds, 2),
        "share_dropped": round(ended.dropped / max(1, ended.decoded), 4),
        "answered_ms": _milliseconds(ended.figures.answered_s),
        "shown_ms": _milliseconds(ended.figures.shown_s),
    }


def _milliseconds(seconds: Any) -> dict[str, float]:
    return {name: round(1000 * value, 1) for name, value in (percentiles(seconds) or {}).items()}


def report(record: dict[str, Any]) -> str:
    """Lay the figures out, one per line."""
    answered, shown = record["answered_ms"], record["shown_ms"]
    return "\n".join(
        [
            f"{record['video']}, {record['detector']}, {record['cores']} cores of which others took "
            f"{record['cores_taken_by_others']:.2f} (load average {record['load_average']:.1f}); own work "
            f"{record['own_cores']:.2f} cores; {record['seconds']:.0f} s:",
            f"  analysed   {record['frames_per_s']:.1f} frames/s",
            f"  dropped    {100 * record['share_dropped']:.1f} % of {record['frames_decoded']} frames",
            f"  answered   {answered['p50']:.0f} ms (median), {answered['p95']:.0f} ms (95th percentile)",
            f"  at a page  {shown['p50']:.0f} ms (median), {shown['p95']:.0f} ms (95th percentile)",
        ]
    )

"""The command `fer-client bench`: what analysing a video costs here."""

import json
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from fer_client.cli import console
from fer_client.cli.options import (
    DetectorKindOption,
    DetectorOption,
    UrlOption,
    chosen_detector,
    takes_settings,
)
from fer_client.errors import UsageError
from fer_client.settings import AUTO, Settings

bench_app = console.new_app()

_SETTINGS = (
    *("fps", "detect_every", "detection_side", "detection_workers", "batch_size", "in_flight", "timeout_s"),
    *("smooth_s", "min_face", "min_score", "max_pixels"),
)

_EXAMPLES = """\b
Examples:
  fer-client bench talk.mp4
  fer-client bench *.mp4 --runs 5 --record figures.json
  fer-client bench talk.mp4 --url gpu-box:8001 --tables-only
"""


@bench_app.command(
    help="Measure what analysing videos costs here: seconds of processing and of its stages, frames a second, how "
    "long a frame takes, memory. Keeps nothing of the results.",
    epilog=_EXAMPLES,
)
@partial(takes_settings, names=_SETTINGS)
def bench(
    *,
    videos: Annotated[list[Path], typer.Argument(metavar="VIDEO...", help="Video files.")],
    runs: Annotated[int, typer.Option(help="How often each is analysed; medians are shown.", min=1)] = 3,
    is_tables_only: Annotated[
        bool, typer.Option("--tables-only", help="Leave out the copy that shows the faces, annotated.mp4.")
    ] = False,
    record: Annotated[
        Path | None, typer.Option(help="JSON file for every run's figures and the machine's.")
    ] = None,
    url: UrlOption = None,
    detector_kind: DetectorKindOption = AUTO,
    detector_model: DetectorOption = None,
    **options: Any,
) -> int:
    """Measure each video, print the figures side by side, and write the record."""
    settings = Settings(**options)
    from rich.console import Console

    from fer_client.bench.benching import bench_videos
    from fer_client.cli.bench_lines import table

    detector = chosen_detector(detector_kind, detector_model, settings.min_score)
    figures = bench_videos(videos, settings, detector, url, runs, not is_tables_only, console.notify)
    screen = Console()
    for lines in table(figures, screen.width):
        screen.print(lines, highlight=False)
    if record:
        try:
            record.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"Cannot write {record}: {error.strerror}.") from error
    return 0

"""What a person sees: a progress bar while a video is analysed, and a short table at the end."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich import progress
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fer_client.pipeline import Progress

_MOST_TRACKS = 8
_EMPHASIS_SHARE = 0.25


@contextmanager
def progress_bar(name: str) -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows how far a video has come: share, frames per second and time left.

    Shows nothing where standard error is not a terminal.
    """
    console = Console(stderr=True)
    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TextColumn("{task.fields[rate]:.0f} frames/s"),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(name, total=None, rate=0.0)
        started = time.monotonic()

        def update(state: Progress) -> None:
            elapsed_s = max(time.monotonic() - started, 1e-3)
            done_s = state.time_s - state.info.start_s
            bar.update(
                task, total=state.info.duration_s, completed=done_s, rate=state.frames_analysed / elapsed_s
            )

        yield update


def print_summary(console: Console, result: Mapping[str, Any], folder: Path) -> None:
    """Print one video's result: a headline, the share of time per expression, and where the files are."""
    console.print(_headline(result), highlight=False)
    if result["tracks"]:
        console.print(_share_table(result))
    else:
        console.print(f"No face was found in any of the {result['frames_analysed']} analysed frames.")
    if result["video"]["damage"]:
        console.print(f"The video is damaged and was analysed in part: {result['video']['damage']}.")
    if result["video"]["times_backwards"]:
        console.print(
            f"The file's presentation times go backwards {result['video']['times_backwards']} times; "
            "they stand in the table as the file states them."
        )
    names = ", ".join(sorted(path.name for path in folder.iterdir()))
    console.print(f"Wrote {folder}/: {names}", highlight=False, soft_wrap=True)


def _headline(result: Mapping[str, Any]) -> Text:
    video, total_s = result["video"], result["stage_seconds"]["total"]
    frames = result["frames_analysed"]
    rate = frames / max(total_s, 1e-3)
    return Text.assemble(
        (video["name"], "bold"),
        f"  {video['width']}×{video['height']}, {frames} of {result['frames_decoded']} frames analysed "
        f"in {total_s:.1f} s ({rate:.0f} frames/s), {result['frames_without_face']} without a face",
    )


def _share_table(result: Mapping[str, Any]) -> Table:
    labels: Sequence[str] = result["models"]["labels"]
    table = Table(caption="Share of the time in which each expression is the strongest, in %")
    table.add_column("face")
    table.add_column("seen, s", justify="right")
    table.add_column("dominant")
    for label in labels:
        table.add_column(label, justify="right")
    tracks = sorted(result["tracks"], key=lambda track: -float(track["face_seconds"]))
    if len(tracks) > 1:
        table.add_row(*_share_row("all", result["overall"], labels), end_section=True)
    for track in tracks[:_MOST_TRACKS]:
        table.add_row(*_share_row(str(track["track"]), track, labels))
    if len(tracks) > _MOST_TRACKS:
        table.add_row(f"and {len(tracks) - _MOST_TRACKS} more")
    return table


def _share_row(name: str, part: Mapping[str, Any], labels: Sequence[str]) -> list[Text | str]:
    shares = [
        Text(
            f"{100 * part['share'][label]:.0f}", "bold" if part["share"][label] >= _EMPHASIS_SHARE else "dim"
        )
        for label in labels
    ]
    return [name, f"{part['face_seconds']:.1f}", str(part["dominant_expression"]), *shares]

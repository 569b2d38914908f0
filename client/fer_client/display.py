"""What a person sees: a progress bar while a video is analysed, and a short table at the end."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box, progress
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fer_client.analysis import Progress
from fer_client.console import notify

_MOST_TRACKS = 8
_SHOWN_SHARE = 0.005


@dataclass(frozen=True)
class Terminal:
    """Shows how the videos fare; `is_silent` leaves standard output to the caller."""

    is_silent: bool

    def notify(self, message: str) -> None:
        """Print a sentence on standard error."""
        notify(message)

    def progress(self, name: str) -> AbstractContextManager[Callable[[Progress], None]]:
        """Show a bar for the video."""
        return progress_bar(name)

    def finished(self, result: dict[str, Any], folder: Path) -> None:
        """Print the result of a video."""
        if not self.is_silent:
            print_summary(Console(), result, folder)


@contextmanager
def progress_bar(name: str) -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows how far a video has come: share, frames per second and time left.

    Shows nothing where standard error is not a terminal.
    """
    console = Console(stderr=True)
    columns = (
        progress.TextColumn("{task.description}", markup=False),
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
    console.print(_headline(result), highlight=False, soft_wrap=True)
    if result["tracks"]:
        console.print(_share_table(result))
    else:
        console.print(f"No face was found in any of the {result['frames_analysed']} analysed frames.")
    if result["video"]["damage"]:
        console.print(
            f"The video is damaged and was analysed in part: {result['video']['damage']}.", markup=False
        )
    if result["video"]["times_backwards"]:
        console.print(
            f"The file's presentation times go backwards {result['video']['times_backwards']} times; "
            "they stand in the table as the file states them."
        )
    names = ", ".join(sorted(path.name for path in folder.iterdir()))
    console.print(f"Wrote {folder}/: {names}", markup=False, highlight=False, soft_wrap=True)


def _headline(result: Mapping[str, Any]) -> Text:
    video, total_s = result["video"], result["stage_seconds"]["total"]
    frames = result["frames_analysed"]
    rate = frames / max(total_s, 1e-3)
    return Text.assemble(
        (video["name"], "bold"),
        f": {frames} of {result['frames_decoded']} frames in {total_s:.1f} s ({rate:.0f} frames/s), "
        f"{result['frames_without_face']} without a face",
    )


def _share_table(result: Mapping[str, Any]) -> Table:
    """One line per face, those seen longest first; with several faces, all of them together before."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("face", justify="right")
    table.add_column("seen", justify="right")
    table.add_column("strongest expression, share of that time")
    tracks = sorted(result["tracks"], key=lambda track: -float(track["face_seconds"]))
    if len(tracks) > 1:
        table.add_row(*_share_row("all", result["overall"]), end_section=True)
    for track in tracks[:_MOST_TRACKS]:
        table.add_row(*_share_row(str(track["track"]), track))
    if len(tracks) > _MOST_TRACKS:
        table.add_row("", "", f"and {len(tracks) - _MOST_TRACKS} more faces, in the table")
    return table


def _share_row(name: str, part: Mapping[str, Any]) -> list[Text | str]:
    ranked = sorted(part["share"].items(), key=lambda item: -item[1])
    shown = [(label, share) for label, share in ranked if share >= _SHOWN_SHARE]
    text = Text("   ").join(
        Text.assemble(
            (label, "bold" if index == 0 else ""), f"\N{NO-BREAK SPACE}{100 * share:.0f}\N{NO-BREAK SPACE}%"
        )
        for index, (label, share) in enumerate(shown)
    )
    return [name, f"{part['face_seconds']:.1f} s", text]

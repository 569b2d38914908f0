"""What a person sees: a progress bar while an input is analysed, and a short table at the end."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box, progress
from rich.columns import Columns
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fer_client.cli.console import notify
from fer_client.cli.photograph_lines import photograph_lines
from fer_client.outputs.result_folder import VISUAL_NAMES
from fer_client.outputs.summary import UNCERTAIN
from fer_client.pipeline.analysis import Present, Progress
from fer_client.printable import counted, printable

_MOST_TRACKS = 8
_SHOWN_SHARE = 0.005


@dataclass(frozen=True)
class Terminal:
    """Shows how the inputs fare; `is_silent` leaves standard output to the caller.

    What has a probability below `min_confidence` is dim.
    """

    is_silent: bool
    min_confidence: float = 0.0

    def notify(self, message: str) -> None:
        """Print a sentence on standard error."""
        notify(message)

    def progress(self, name: str) -> AbstractContextManager[Callable[[Progress], None]]:
        """Show a bar for the input, or what a live stream's faces show."""
        return progress_bar(printable(name), self.min_confidence)

    def making(self, name: str) -> AbstractContextManager[Callable[[float], None]]:
        """Show a bar for a visual."""
        return share_bar(printable(name))

    def finished(self, result: dict[str, Any], folder: Path) -> None:
        """Print the result of an input."""
        if not self.is_silent:
            print_summary(Console(), result, folder, self.min_confidence)

    def found(self, result: dict[str, Any], folder: Path, is_only: bool, added: Sequence[Path]) -> None:
        """Print a line about an input that was done before, and its whole result where it is the only one."""
        if not self.is_silent:
            console = Console()
            console.print(_found_line(result, folder), highlight=False, soft_wrap=True)
            if is_only:
                _print_result(console, result, folder, self.min_confidence)
                _print_names(console, "Earlier in", folder, set(folder.iterdir()) - set(added))
            if added:
                _print_names(console, "Added to", folder, added)
            _print_what_opens(console, folder)

    def combined(self, tables: Sequence[Path], inputs: int) -> None:
        """Print where the tables and the page over all inputs are."""
        if not self.is_silent:
            console, names = Console(), ", ".join(path.name for path in tables)
            noun = "one input" if inputs == 1 else f"{inputs} inputs"
            _print_line(console, f"Wrote {tables[0].parent}/: {names}, of {noun}")
            for page in (path for path in tables if path.suffix == ".html"):
                _print_line(console, f"Open {page}")


@contextmanager
def progress_bar(name: str, min_confidence: float = 0.0) -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows how far an input has come: share, frames per second and time left.

    For a live stream the bar's place has what every face shows at present. Shows nothing where standard error
    is not a terminal.
    """
    console = Console(stderr=True)
    rate_column = progress.TextColumn("{task.fields[rate]:.0f} frames/s")
    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        rate_column,
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(name, total=None, rate=0.0, status=Text())
        started = time.monotonic()

        def update(state: Progress) -> None:
            rate = state.frames_analysed / max(time.monotonic() - started, 1e-3)
            total = None if state.share is None else 1.0
            if state.present is not None:
                bar.columns = (_PresentColumn(), rate_column)
                bar.update(task, status=_present_line(name, state.present, min_confidence))
            bar.update(task, total=total, completed=state.share or 0.0, rate=rate)

        yield update


@contextmanager
def share_bar(name: str) -> Iterator[Callable[[float], None]]:
    """Yield a function that shows the share, in [0, 1], that is done, where standard error is a terminal."""
    console = Console(stderr=True)
    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(name, total=1.0)
        yield lambda share: bar.update(task, completed=share)


class _PresentColumn(progress.ProgressColumn):
    """Shows the task's field `status`."""

    def render(self, task: progress.Task) -> Text:
        status: Text = task.fields["status"]
        return status


def _present_line(name: str, faces: Sequence[Present], min_confidence: float) -> Text:
    shown = [
        (
            f"   face {face.track} {face.expression} {100 * face.confidence:.0f} %",
            _style(face.confidence, min_confidence),
        )
        for face in faces[:_MOST_TRACKS]
    ]
    return Text.assemble((name, "bold"), *(shown or [("   no face", "")]), no_wrap=True, overflow="ellipsis")


def _style(confidence: float, min_confidence: float) -> str:
    return "dim" if confidence < min_confidence else ""


def print_summary(
    console: Console, result: Mapping[str, Any], folder: Path, min_confidence: float = 0.0
) -> None:
    """Print one input's result: a headline, the share of time per expression, and where the files are."""
    console.print(_headline(result), highlight=False, soft_wrap=True)
    _print_result(console, result, folder, min_confidence)
    _print_names(console, "Wrote", folder, folder.iterdir())
    _print_what_opens(console, folder)


def _print_result(console: Console, result: Mapping[str, Any], folder: Path, min_confidence: float) -> None:
    if result["overall"]["faces"]:
        console.print(_share_table(result, min_confidence))
    else:
        count = result["frames_analysed"]
        which = "the one" if count == 1 else f"any of the {count}"
        console.print(f"No face was found in {which} analysed {_unit(result, count)}.")
    for sentence in result["warnings"]:
        console.print(f"Note: {printable(sentence)}", markup=False, highlight=False, soft_wrap=True)
    if result["input"]["kind"] == "photographs":
        for line in photograph_lines(folder, result["frames_analysed"]):
            console.print(line, markup=False, highlight=False, soft_wrap=True)


def _print_names(console: Console, verb: str, folder: Path, files: Iterable[Path]) -> None:
    _print_line(console, f"{verb} {folder}/: {', '.join(sorted(path.name for path in files))}")


def _print_what_opens(console: Console, folder: Path) -> None:
    for name in VISUAL_NAMES:
        if (folder / name).exists():
            _print_line(console, f"Open {folder / name}")


def _print_line(console: Console, text: str) -> None:
    """Print a line with names of files in it, which nothing breaks or takes for markup."""
    console.print(printable(text), markup=False, highlight=False, soft_wrap=True)


def _unit(result: Mapping[str, Any], count: int) -> str:
    unit = "photograph" if result["input"]["kind"] == "photographs" else "frame"
    return unit if count == 1 else f"{unit}s"


def _headline(result: Mapping[str, Any]) -> Text:
    total_s = result["stage_seconds"]["total"]
    frames, decoded = result["frames_analysed"], result["frames_decoded"]
    rate = frames / max(total_s, 1e-3)
    return Text.assemble(
        (printable(result["input"]["name"]), "bold"),
        f": {frames} of {decoded} {_unit(result, decoded)} in {total_s:.1f} s ({rate:.0f} a second), "
        f"{result['frames_without_face']} without a face",
    )


def _found_line(result: Mapping[str, Any], folder: Path) -> Text:
    overall = result["overall"]
    finding = "no face"
    if overall["faces"]:
        label, share = max(overall["share"].items(), key=lambda item: float(item[1]))
        finding = f"mostly {label}, {100 * share:.0f} %"
    return Text.assemble(
        (printable(result["input"]["name"]), "bold"),
        f": done before, {finding}; {printable(str(folder))}/ (again with --overwrite)",
    )


def _share_table(result: Mapping[str, Any], min_confidence: float) -> Table:
    """One line per face, those seen longest first; with several, or photographs, all of them together before.

    A line is dim where the mean confidence is low.
    """
    tracks = sorted(result["tracks"], key=lambda track: -float(track["face_seconds"]))
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("face", justify="right")
    table.add_column("seen", justify="right")
    table.add_column("mean confidence", justify="right")
    table.add_column(f"strongest expression, share of {'that time' if tracks else 'the faces'}")
    parts = [("all", result["overall"])] if len(tracks) != 1 else []
    parts += [(str(track["track"]), track) for track in tracks[:_MOST_TRACKS]]
    for name, part in parts:
        style = _style(part["mean_confidence"], min_confidence)
        table.add_row(*_share_row(name, part), style=style, end_section=name == "all" and bool(tracks))
    if len(tracks) > _MOST_TRACKS:
        table.add_row("", "", "", f"and {counted(len(tracks) - _MOST_TRACKS, 'more face')}, in the table")
    return table


def _share_row(name: str, part: Mapping[str, Any]) -> list[Columns | str]:
    ranked = sorted(part["share"].items(), key=lambda item: -item[1])
    shown = [(label, share) for label, share in ranked if share >= _SHOWN_SHARE]
    shares = [
        Text.assemble(
            (label, "bold" if index == 0 else ""),
            f" {100 * share:.0f} %",
            no_wrap=True,
            style="dim" if label == UNCERTAIN else "",
        )
        for index, (label, share) in enumerate(shown)
    ]
    seen = f"{part['face_seconds']:.1f} s" if part["face_seconds"] else counted(part.get("faces", 1), "face")
    return [name, seen, f"{100 * part['mean_confidence']:.0f} %", Columns(shares, padding=(0, 3))]

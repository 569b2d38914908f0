"""What `fer-client compare` prints."""

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fer_client.comparison import wording
from fer_client.comparison.comparison import TOO_SHORT, Comparison, Difference
from fer_client.printable import printable

_OPENED = (".html", ".png")
"""What is to be looked at."""


def print_comparison(comparison: Comparison, paths: Sequence[Path]) -> None:
    """Print the sides, a line for each expression, what the intervals mean, and where the files are."""
    console = Console()
    for letter, name, seen in zip("AB", wording.names(comparison), wording.seen(comparison), strict=True):
        console.print(Text.assemble((f"{letter}  {name}", "bold"), f": {seen}"), soft_wrap=True)
    console.print(_table(comparison))
    for sentence in (*comparison.notes, *wording.meaning(comparison)):
        _print(console, f"Note: {sentence}")
    _print(console, f"Wrote {paths[0].parent}/: {', '.join(path.name for path in paths)}")
    for path in paths:
        if path.suffix in _OPENED:
            _print(console, f"Open {path}")


def _print(console: Console, text: str) -> None:
    console.print(printable(text), markup=False, highlight=False, soft_wrap=True)


def _table(comparison: Comparison) -> Table:
    """Lines of which 0 lies outside the interval are bold, those that tell nothing dim."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(wording.quantity_name(comparison.shares[0].quantity, comparison.sides[0].is_photographs))
    for name in ("A", "B", "B − A", wording.INTERVAL):
        table.add_column(name, justify="right")
    table.add_column("finding")
    for row in comparison.shares:
        style = "bold" if row.is_clear else "dim" if row.finding == TOO_SHORT else None
        table.add_row(*_cells(row), style=style)
    return table


def _cells(row: Difference) -> list[Text | str]:
    interval = (
        ""
        if row.low is None or row.high is None
        else f"{wording.signed(row.low)} to {wording.signed(row.high)}"
    )
    return [
        Text(printable(row.quantity.label)),
        f"{100 * row.a:.0f} %",
        f"{100 * row.b:.0f} %",
        wording.signed(row.difference),
        interval,
        row.finding,
    ]

"""Generated parts of a Markdown page, between two marks, so that no figure is typed by hand."""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev

from fer_client.errors import InputError
from fer_training.files import replacing

BEGIN = "<!-- results: written by `{command}`, do not edit -->"
END = "<!-- end of results -->"


def write_part(document: Path, command: str, text: str) -> None:
    """Put the text that COMMAND makes between its marks; InputError where they are missing."""
    begin = BEGIN.format(command=command)
    page = document.read_text(encoding="utf-8")
    before, found, rest = page.partition(begin)
    _, end, after = rest.partition(END)
    if not found or not end:
        raise InputError(
            f"Expected the lines `{begin}` and `{END}` in {document}. Put them where the figures belong."
        )
    with replacing(document) as beside:
        beside.write_text(f"{before}{begin}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Lines of a table whose first `left` columns are words and the others numbers."""
    marks = ["---"] * left + ["---:"] * (len(header) - left)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, marks, *rows))


def percent(value: float | None) -> str:
    """Share in [0, 1] as a percentage with one digit; a dash where it was not measured."""
    return "–" if value is None else f"{100 * value:.1f} %"


def percent_over(values: Sequence[float | None]) -> str:
    """Shares of several runs as their mean and standard deviation; of one alone, as `percent`."""
    known = [value for value in values if value is not None]
    if len(values) == 1 or len(known) < len(values):
        return percent(values[0] if len(values) == 1 else None)
    return f"{100 * mean(known):.1f} ± {100 * stdev(known):.1f} %"


def number(value: float | None) -> str:
    """Plain figure with two digits; a dash where it was not measured."""
    return "–" if value is None else f"{value:z.2f}"

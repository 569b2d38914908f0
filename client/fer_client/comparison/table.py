"""A comparison as a table."""

from pathlib import Path

from fer_client.comparison.comparison import Comparison
from fer_client.outputs.tables import CsvTable

COLUMNS = {
    "quantity": str,
    "expression": str,
    "a": float,
    "b": float,
    "difference": float,
    "low": float,
    "high": float,
    "finding": str,
}
"""`difference` is `b` - `a`; `low` and `high` are the limits of its interval, empty where it is too short to tell."""


def is_table(path: Path) -> bool:
    """Whether a file is such a table, by its header."""
    header = ",".join(COLUMNS).encode("ascii") + b"\n"
    with path.open("rb") as file:
        return file.read(len(header)) == header


def write_table(comparison: Comparison, folder: Path) -> Path:
    """Write comparison.csv, a row for each quantity."""
    with CsvTable(folder, "comparison", COLUMNS) as table:
        for row in comparison.differences:
            label = row.quantity.label or None
            table.write(
                [row.quantity.kind, label, row.a, row.b, row.difference, row.low, row.high, row.finding]
            )
    return table.path

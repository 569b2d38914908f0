"""Reading what `fer_client.outputs.tables` wrote, row by row."""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from fer_client.errors import UsageError
from fer_client.outputs.tables import openpyxl_package, pyarrow_packages

Rows = tuple[list[str], Iterator[Sequence[Any]]]
"""The names of the columns, and the rows with their values in that order."""

_GROUP = 10_000


@contextmanager
def as_written(place: Path, advice: str) -> Iterator[None]:
    """Turn whatever a file that somebody has changed brings about into a UsageError, which ends with the advice."""
    try:
        yield
    except (UsageError, MemoryError):
        raise
    except Exception as error:  # each format's library has errors of its own
        raise UsageError(
            f"{place} has other columns or values than fer-client gave it ({error}). {advice}"
        ) from error


def open_rows(path: Path) -> AbstractContextManager[Rows]:
    """Open a table for the length of the block; its suffix says how. Memory stays bounded.

    A table that is written in the same format holds the same: texts of a CSV file are not taken for numbers.
    Raises UsageError where a package is missing, and whatever the format's library does for a damaged file.
    """
    return _READERS[path.suffix](path)


@contextmanager
def _open_csv(path: Path) -> Iterator[Rows]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        yield next(reader, []), reader


@contextmanager
def _open_jsonl(path: Path) -> Iterator[Rows]:
    with path.open(encoding="utf-8") as file:
        names = list(json.loads(file.readline() or "{}"))
        file.seek(0)
        yield names, (list(json.loads(line).values()) for line in file)


@contextmanager
def _open_parquet(path: Path) -> Iterator[Rows]:
    _, parquet = pyarrow_packages()
    with parquet.ParquetFile(path) as file:
        batches = file.iter_batches(_GROUP)
        yield file.schema_arrow.names, (list(row.values()) for batch in batches for row in batch.to_pylist())


@contextmanager
def _open_xlsx(path: Path) -> Iterator[Rows]:
    book = openpyxl_package().load_workbook(path, read_only=True)
    try:
        rows = book.worksheets[0].iter_rows(values_only=True)
        names = list(next(rows, []))
        yield (
            names,
            ([*row, *[None] * (len(names) - len(row))] for row in rows),
        )  # empty cells at the end are left out
    finally:
        book.close()


_READERS: dict[str, Callable[[Path], AbstractContextManager[Rows]]] = {
    ".csv": _open_csv,
    ".jsonl": _open_jsonl,
    ".parquet": _open_parquet,
    ".xlsx": _open_xlsx,
}

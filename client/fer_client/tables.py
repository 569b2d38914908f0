"""The table of faces: one row per analysed frame and face, and one for a frame without a face."""

import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from fer_client.errors import UsageError

Value = int | float | str | None

FACE_COLUMNS = ("track", "x", "y", "w", "h", "detection_score", "expression", "confidence")


def columns(labels: Sequence[str]) -> list[str]:
    """Names of the columns for a network with these labels, in order."""
    return ["frame", "time_s", *FACE_COLUMNS, *(f"p_{label}" for label in labels), "valence", "arousal"]


class Table(ABC):
    """A table being written, a context manager. A row's values stand in the order of `names`; None is empty."""

    suffix: str

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self.path = folder / f"faces.{self.suffix}"
        self.names = list(names)

    def __enter__(self) -> "Table":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def write(self, row: Sequence[Value]) -> None:
        """Append one row."""

    @abstractmethod
    def close(self) -> None:
        """Write what is still in memory and close the file."""


class _TextTable(Table):
    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        super().__init__(folder, names)
        self._file: IO[str] = self.path.open("w", newline="", encoding="utf-8")

    def close(self) -> None:
        self._file.close()


class CsvTable(_TextTable):
    """Comma-separated values (RFC 4180) with a header; times and probabilities with six decimals."""

    suffix = "csv"

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        super().__init__(folder, names)
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(self.names)

    def write(self, row: Sequence[Value]) -> None:
        """Append one row; None becomes an empty field."""
        self._writer.writerow([f"{value:.6f}" if isinstance(value, float) else value for value in row])


class JsonlTable(_TextTable):
    """One JSON object per line, keys as the CSV's columns, null where empty."""

    suffix = "jsonl"

    def write(self, row: Sequence[Value]) -> None:
        """Append one object."""
        values = (round(value, 6) if isinstance(value, float) else value for value in row)
        self._file.write(json.dumps(dict(zip(self.names, values, strict=True))) + "\n")


class ParquetTable(Table):
    """Apache Parquet through pyarrow, which the extra `parquet` installs; row groups of 10,000 rows."""

    suffix = "parquet"
    _GROUP = 10_000

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        super().__init__(folder, names)
        pyarrow, parquet = _pyarrow()
        self._arrow = pyarrow
        self._schema = pyarrow.schema([(name, _arrow_type(pyarrow, name)) for name in self.names])
        self._writer = parquet.ParquetWriter(self.path, self._schema)
        self._rows: list[list[Value]] = []

    def write(self, row: Sequence[Value]) -> None:
        """Append one row; None becomes null."""
        self._rows.append(list(row))
        if len(self._rows) == self._GROUP:
            self._flush()

    def close(self) -> None:
        """Write the last group and the footer."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            values = [list(column) for column in zip(*self._rows, strict=True)]
            self._writer.write_table(self._arrow.table(values, schema=self._schema))
            self._rows = []


FORMATS: dict[str, type[Table]] = {"csv": CsvTable, "jsonl": JsonlTable, "parquet": ParquetTable}


def check_format(name: str) -> None:
    """Raise UsageError where the format needs a package that is not installed."""
    if name == "parquet":
        _pyarrow()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise UsageError(
            "--format parquet needs the package pyarrow, which is not installed: pip install pyarrow, "
            "or choose csv or jsonl."
        ) from error
    return pyarrow, pyarrow.parquet


def _arrow_type(pyarrow: Any, name: str) -> Any:
    if name in ("frame", "track", "x", "y", "w", "h"):
        return pyarrow.int32()
    return pyarrow.string() if name == "expression" else pyarrow.float64()

"""Tables on disk, in any format of FORMATS. All of them hold the same values."""

import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from fer_client.errors import UsageError

Value = int | float | str | None


class Table(ABC):
    """A table being written, a context manager. A row's values stand in the order of `columns`; None is empty.

    `columns` has the name and the type of each, int, float or str. Floats come with six decimals.
    """

    suffix: str

    def __init__(self, folder: Path, name: str, columns: Mapping[str, type]) -> None:
        self.path = folder / f"{name}.{self.suffix}"
        self.names = list(columns)

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
    def __init__(self, folder: Path, name: str, columns: Mapping[str, type]) -> None:
        super().__init__(folder, name, columns)
        self._file: IO[str] = self.path.open("w", newline="", encoding="utf-8")

    def close(self) -> None:
        self._file.close()


class CsvTable(_TextTable):
    """Comma-separated values (RFC 4180) with a header; floats are written with six decimals."""

    suffix = "csv"

    def __init__(self, folder: Path, name: str, columns: Mapping[str, type]) -> None:
        super().__init__(folder, name, columns)
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
        self._file.write(json.dumps(dict(zip(self.names, row, strict=True)), ensure_ascii=False) + "\n")


class ParquetTable(Table):
    """Apache Parquet through pyarrow, which the extra `parquet` installs; row groups of 10,000 rows."""

    suffix = "parquet"
    _GROUP = 10_000

    def __init__(self, folder: Path, name: str, columns: Mapping[str, type]) -> None:
        super().__init__(folder, name, columns)
        pyarrow, parquet = _pyarrow()
        self._arrow = pyarrow
        self._schema = pyarrow.schema([(name, _arrow_type(pyarrow, kind)) for name, kind in columns.items()])
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


def _arrow_type(pyarrow: Any, kind: type) -> Any:
    return {int: pyarrow.int64(), float: pyarrow.float64(), str: pyarrow.string()}[kind]

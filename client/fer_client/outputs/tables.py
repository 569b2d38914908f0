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
        self._writer.writerow([f"{value:z.6f}" if isinstance(value, float) else value for value in row])


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
        pyarrow, parquet = pyarrow_packages()
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


class XlsxTable(Table):
    """A workbook of Excel with one sheet, through openpyxl, which the extra `xlsx` installs.

    Rows go to a file of openpyxl's as they come. Texts stay texts, also where they look like a formula.
    """

    suffix = "xlsx"
    MOST_ROWS = 1_048_576
    """Of a sheet, the header among them: Excel's specifications and limits."""

    def __init__(self, folder: Path, name: str, columns: Mapping[str, type]) -> None:
        super().__init__(folder, name, columns)
        package = openpyxl_package()
        self._make_cell = package.cell.WriteOnlyCell
        self._unwritable = package.cell.cell.ILLEGAL_CHARACTERS_RE
        self._book = package.Workbook(write_only=True)
        self._sheet = self._book.create_sheet(name)
        self._sheet.freeze_panes = "A2"
        self._sheet.append(self.names)
        self._count = 1

    def write(self, row: Sequence[Value]) -> None:
        """Append one row; None becomes an empty cell. Raises UsageError where Excel takes no more."""
        if self._count == self.MOST_ROWS:
            raise UsageError(
                f"{self.path.name}: Excel takes {self.MOST_ROWS:,} rows, and this table has more. Choose --format "
                "csv, jsonl or parquet, or a lower --fps."
            )
        self._count += 1
        self._sheet.append([self._text(value) if isinstance(value, str) else value for value in row])

    def close(self) -> None:
        """Pack the workbook."""
        self._sheet.close()  # first: a disk that takes no package would leave its writer half open
        self._book.save(self.path)

    def _text(self, value: str) -> Any:
        escaped = self._unwritable.sub(lambda found: f"\\x{ord(found[0]):02x}", value)
        cell = self._make_cell(self._sheet, escaped)
        cell.data_type = "s"
        return cell


FORMATS: dict[str, type[Table]] = {
    "csv": CsvTable,
    "jsonl": JsonlTable,
    "parquet": ParquetTable,
    "xlsx": XlsxTable,
}


def check_format(name: str) -> None:
    """Raise UsageError for a format that is none of FORMATS, or whose package is not installed."""
    if name not in FORMATS:
        raise UsageError(f"--format must be one of {', '.join(FORMATS)}, but is {name}.")
    if name == "parquet":
        pyarrow_packages()
    if name == "xlsx":
        openpyxl_package()


def pyarrow_packages() -> tuple[Any, Any]:
    """Import pyarrow and pyarrow.parquet."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise _missing("parquet", "pyarrow") from error
    return pyarrow, pyarrow.parquet


def openpyxl_package() -> Any:
    """Import openpyxl."""
    try:
        import openpyxl
        import openpyxl.cell.cell
    except ImportError as error:
        raise _missing("xlsx", "openpyxl") from error
    return openpyxl


def _missing(form: str, package: str) -> UsageError:
    return UsageError(
        f"--format {form} needs the package {package}, which is not installed: pip install {package}, or choose "
        "csv or jsonl."
    )


def _arrow_type(pyarrow: Any, kind: type) -> Any:
    return {int: pyarrow.int64(), float: pyarrow.float64(), str: pyarrow.string()}[kind]

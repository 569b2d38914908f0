"""Official text files, read line by line: UTF-8 with or without a byte order mark."""

import csv
from collections.abc import Iterator
from pathlib import Path

from fer_client.errors import InputError


def text_lines(path: Path) -> Iterator[str]:
    """Give the lines with their ends as they are; InputError where the file is no text, such as an archive."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            yield from file
    except UnicodeDecodeError as error:
        raise InputError(
            f"Expected text in UTF-8 in {path}, but it holds other bytes. If it is an archive, unpack it; "
            "else get it again."
        ) from error


def csv_rows(path: Path) -> Iterator[list[str]]:
    """Give the rows of a comma-separated file, the header too; InputError where it is none."""
    try:
        yield from csv.reader(text_lines(path))
    except csv.Error as error:
        raise InputError(f"Expected a table in {path}, but it is none ({error}). Get it again.") from error


def damaged(path: Path, number: int, expected: str, found: str) -> InputError:
    """Say what row `number`, from 1, should have held."""
    return InputError(
        f"Expected {expected} in row {number} of {path}, got {found[:60]!r}. The file is cut or damaged: get it again."
    )

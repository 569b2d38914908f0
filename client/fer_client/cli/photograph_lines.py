"""What photographs show, a line each, read from their table: so earlier results are shown like new ones."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from fer_client.outputs.stored_tables import open_rows
from fer_client.outputs.tables import FORMATS
from fer_client.printable import counted

_MOST_PHOTOGRAPHS = 20
_MOST_FACES = 4

_Row = Mapping[str, Any]


def photograph_lines(folder: Path, count: int) -> Iterator[str]:
    """Yield a line for each of the first photographs of a result `folder`, and how many more there are.

    A table that cannot be read, since it was changed, gives none.
    """
    path = next((path for form in FORMATS if (path := folder / f"faces.{form}").exists()), None)
    with suppress(Exception):  # each format's library has errors of its own
        if path is not None:
            yield from _lines(path)
            if count > _MOST_PHOTOGRAPHS:
                yield f"and {counted(count - _MOST_PHOTOGRAPHS, 'more photograph')}, in the table"


def _lines(path: Path) -> Iterator[str]:
    with open_rows(path) as (names, rows):
        named = (dict(zip(names, row, strict=True)) for row in rows)
        for _, faces in islice(groupby(named, itemgetter("frame")), _MOST_PHOTOGRAPHS):
            yield _line(list(faces))


def _line(faces: list[_Row]) -> str:
    name = faces[0]["source"]
    if not faces[0]["expression"]:
        return f"{name}: no face"
    shown = [f"{face['expression']} {100 * float(face['confidence']):.0f} %" for face in faces[:_MOST_FACES]]
    if len(faces) > _MOST_FACES:
        shown.append(f"and {len(faces) - _MOST_FACES} more")
    return f"{name}: {counted(len(faces), 'face')}, {', '.join(shown)}"

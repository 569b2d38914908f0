"""The tables over all inputs of a run: `faces`, with every face of each, and `study`, a line per input and face.

They are made of the results' own tables and summaries, so inputs that were done before count too.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fer_client.errors import FerError, UsageError
from fer_client.outputs.face_records import columns
from fer_client.outputs.result_folder import cannot_write, scratch_folder
from fer_client.outputs.stored_tables import as_written, open_rows
from fer_client.outputs.summary import UNCERTAIN
from fer_client.outputs.summary_file import SummaryFile
from fer_client.outputs.tables import FORMATS, Value
from fer_client.printable import printable

ALL = "all"
"""In the column `face`: all faces of the input together."""

_KINDS_OF_IMAGES = frozenset({"photographs", "sequence"})
"""Kinds of input whose rows name the image that each is from."""

_AGAIN = "So the table over all inputs was not written; make the result again with --overwrite."

_KNOWN_BY = 7
"""So many columns at the beginning tell these tables from others; what follows may change with the network."""


@dataclass(frozen=True)
class Part:
    """One input: its result `folder`, the folder's `name` below --out, and what summary.json holds."""

    folder: Path
    name: str
    result: Mapping[str, Any]

    @property
    def labels(self) -> list[str]:
        """The network's labels."""
        return list(self.result["models"]["labels"])


Rows = Iterator[Sequence[Value]]


def write_tables(out: Path, parts: Sequence[Part], form: str) -> tuple[list[Path], dict[str, FerError]]:
    """Write both tables into `out`, `form` one of FORMATS; return those written, and the errors of the others by path.

    Each replaces an earlier one at once, and never a file that another program made.
    """
    written, failures = [], {}
    for name, (make_columns, make_rows) in _TABLES.items():
        path = out / f"{name}.{form}"
        try:
            _write(path, make_columns(parts[0].labels), make_rows(parts, form))
        except FerError as error:
            failures[str(path)] = error
        else:
            written.append(path)
    return written, failures


def _write(path: Path, column_types: Mapping[str, type], rows: Rows) -> None:
    _check_place(path, list(column_types))
    try:
        with scratch_folder(path.parent) as scratch:
            with FORMATS[path.suffix[1:]](scratch, path.stem, column_types) as table:
                for row in rows:
                    table.write(row)
            table.path.replace(path)
    except OSError as error:
        raise cannot_write(path.parent, error) from error


def _check_place(path: Path, names: Sequence[str]) -> None:
    """Raise UsageError unless there is nothing, or such a table, be it with other labels."""
    if path.is_symlink() or (path.exists() and _names(path)[:_KNOWN_BY] != names[:_KNOWN_BY]):
        raise UsageError(
            f"{path} is a file that fer-client did not write, so the table over all inputs was not written. Choose "
            "another --out, or move the file."
        )


def _names(path: Path) -> list[str]:
    try:
        with open_rows(path) as (names, _):
            return names
    except Exception:  # whatever a library says of a file that it cannot read, we did not write it
        return []


def _face_columns(labels: Sequence[str]) -> dict[str, type]:
    """The columns of each input's table, the source first: by that such a table is known."""
    return {"source": str} | columns(labels)


def _face_rows(parts: Sequence[Part], form: str) -> Rows:
    wanted = list(columns(parts[0].labels))
    for part in parts:
        path = part.folder / f"faces.{form}"
        with as_written(path, _AGAIN):
            yield from _rows_of(part, path, wanted)


def _rows_of(part: Part, path: Path, wanted: Sequence[str]) -> Rows:
    with open_rows(path) as (names, rows):
        if names[: len(wanted)] != wanted:  # that of a live stream has one more
            raise ValueError(f"expected the columns {wanted}, came {names}")
        for row in rows:
            if len(row) != len(names):
                raise ValueError(f"expected {len(names)} values, came {len(row)}")
            *values, source = row[: len(wanted)]
            yield [_place(part, source), *values]


def _place(part: Part, source: str) -> str:
    is_of_images = part.result["input"]["kind"] in _KINDS_OF_IMAGES
    return printable(f"{part.name}/{source}" if is_of_images else part.name)


def _study_columns(labels: Sequence[str]) -> dict[str, type]:
    return {
        "source": str,
        "kind": str,
        "face": str,
        "frames": int,
        "first_s": float,
        "last_s": float,
        "face_seconds": float,
        "seconds_analysed": float,
        "seconds_without_face": float,
        "dominant_expression": str,
        "mean_confidence": float,
        **{f"share_{label}": float for label in (*labels, UNCERTAIN)},
        **{f"mean_p_{label}": float for label in labels},
        "mean_valence": float,
        "mean_arousal": float,
        **{f"episodes_{label}": int for label in labels},
    }


def _study_rows(parts: Sequence[Part], _form: str) -> Rows:
    names = _study_columns(parts[0].labels)
    for part in parts:
        with as_written(part.folder / SummaryFile.file_name, _AGAIN):
            yield from [[line.get(name) for name in names] for line in _lines(part)]


def _lines(part: Part) -> Iterator[dict[str, Any]]:
    """Make the lines of one input, all faces together first; what a line does not tell is missing."""
    result, overall = part.result, part.result["overall"]
    shared = {
        "source": printable(part.name),
        "kind": result["input"]["kind"],
        "seconds_analysed": result["seconds_analysed"],
    }
    without_face = {"seconds_without_face": result["seconds_without_face"]}
    yield {"face": ALL, "frames": overall["faces"], **without_face, **shared, **_flat(overall)}
    for track in result["tracks"]:
        yield {"face": str(track["track"]), **shared, **_flat(track)}


def _flat(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Give each label's value a column of its own."""
    prefixes = {"share": "share_", "mean_probability": "mean_p_", "episodes": "episodes_"}
    by_label = {
        f"{prefix}{label}": value
        for name, prefix in prefixes.items()
        for label, value in summary[name].items()
    }
    return {**summary, **by_label}


_TABLES: dict[
    str, tuple[Callable[[Sequence[str]], dict[str, type]], Callable[[Sequence[Part], str], Rows]]
] = {"faces": (_face_columns, _face_rows), "study": (_study_columns, _study_rows)}

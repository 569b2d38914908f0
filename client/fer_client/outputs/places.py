"""Which folder is an input's: that of its earlier result, else one that holds no result of another input."""

import itertools
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fer_client.outputs.summary_file import SummaryFile


@dataclass(frozen=True)
class Place:
    """The folder of an input. `earlier` is what summary.json holds of an earlier result of the same input, if any.

    `taken_by` names the input whose result has the plain name where this input has to take a numbered one.
    """

    folder: Path
    earlier: dict[str, Any] | None = None
    taken_by: str | None = None


def find_place(target: Path, known: Mapping[str, Any]) -> Place:
    """Look through `target`, `target-2`, ... for the result of an input, else find the first that is free.

    `known` is the part `input` of `fer_client.outputs.provenance`. A file that was moved is known by its content,
    one that has changed by its path. What a live stream sent is never the same again.
    """
    results = {folder: read_result(folder) for folder in _numbered(target)}
    for is_same in (_has_same_content, _has_same_origin):
        for folder, result in results.items():
            if result is not None and is_same(result, known):
                return Place(folder, result)
    if not os.path.isfile(target / SummaryFile.file_name):  # free, or not ours: `check_target` tells
        return Place(target)
    other = _part(results[target], "input")
    return Place(
        free_folder(target), taken_by=str(other.get("origin") or other.get("name") or "another input")
    )


def read_result(folder: Path) -> dict[str, Any] | None:
    """Return what summary.json of a folder holds, None where it is missing or is none of a result."""
    try:
        result = json.loads((folder / SummaryFile.file_name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return result if isinstance(result, dict) else None


def free_folder(target: Path) -> Path:
    """Return the first of `target`, `target-2`, ... that is not there."""
    names = (target.with_name(f"{target.name}-{number}") for number in itertools.count(2))
    return next(folder for folder in itertools.chain([target], names) if not os.path.lexists(folder))


def _numbered(target: Path) -> Iterator[Path]:
    """Yield `target` and the numbered folders that are there beside it, in the order of their numbers."""
    yield target
    start = f"{target.name}-"
    names: list[str] = []
    with suppress(OSError):  # a folder may take files and yet not be listed
        names = os.listdir(target.parent)
    endings = [name.removeprefix(start) for name in names if name.startswith(start)]
    for number in sorted(int(ending) for ending in endings if ending.isascii() and ending.isdigit()):
        yield target.with_name(f"{start}{number}")


def _has_same_content(result: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    was = _part(result, "input")
    same = all(was.get(key) == known[key] for key in ("kind", "name", "fingerprint"))
    return same and known["fingerprint"] is not None


def _has_same_origin(result: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    was = _part(result, "input")
    same = all(was.get(key) == known[key] for key in ("kind", "origin"))
    return same and known["origin"] is not None and not _part(result, "video").get("is_live")


def _part(result: Mapping[str, Any] | None, name: str) -> Mapping[str, Any]:
    part = (result or {}).get(name)
    return part if isinstance(part, dict) else {}

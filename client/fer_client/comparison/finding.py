"""Which result folder a word of the command names: the folder itself, or the result of an input."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fer_client.errors import UsageError
from fer_client.media.fingerprints import fingerprint
from fer_client.outputs.places import read_result
from fer_client.outputs.summary_file import SummaryFile


def find_folder(name: str, results: Path, by_stem: bool = True) -> Path | None:
    """Find the result folder `name`, as it stands or below `results`, else the one result of the input `name` there.

    An input that is there is known by its content and its path, whatever its result's folder is called, as
    `fer_client.outputs.places.find_place` knows it. Of one that is not, the folder of its stem is taken, unless its
    summary.json names another input; not so without `by_stem`. Returns None where there is none. Raises UsageError
    where the stem is another input's, and where several results are of this input.
    """
    for folder in (Path(name), results / name):
        if read_result(folder) is not None:
            return folder
    found = _of_input(name, results)
    if len(found) > 1:
        raise UsageError(
            f"Expected one result of {name} below {results}, but there are {len(found)}: "
            f"{', '.join(str(folder) for folder in found[:5])}. Name one of these folders."
        )
    if found:
        return found[0]
    return _of_stem(name, results) if by_stem else None


def _of_input(name: str, results: Path) -> list[Path]:
    """Find the results of this content at this path, else of this content under this name, else of this path."""
    inputs = dict(_inputs(results))
    path = Path(name)
    origins = {name, os.path.realpath(name)}
    content = fingerprint([path]) if os.path.isfile(name) else None
    same_origin = [folder for folder, was in inputs.items() if was.get("origin") in origins]
    same_content = [
        folder
        for folder, was in inputs.items()
        if content is not None and (was.get("name"), was.get("fingerprint")) == (path.name, content)
    ]
    return [folder for folder in same_origin if folder in same_content] or same_content or same_origin


def _inputs(results: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield the result folders below `results` with the part `input` of their summaries, but none that still grows."""
    for path in sorted(results.rglob(SummaryFile.file_name)):
        is_hidden = any(part.startswith(".") for part in path.relative_to(results).parts)
        was = None if is_hidden else (read_result(path.parent) or {}).get("input")
        if isinstance(was, dict):
            yield path.parent, was


def _of_stem(name: str, results: Path) -> Path | None:
    """Find the folder that a run gives an input of this name, where it is not another input's."""
    path = Path(name)
    result = read_result(folder := results / path.stem)
    if result is None:
        return None
    was = result.get("input")
    was = was if isinstance(was, dict) else {}
    is_same_name = was.get("name") in (None, path.name)
    is_plain = path.name == name and not os.path.lexists(name)  # nothing says where it stands
    if is_same_name and (is_plain or was.get("origin") is None):
        return folder
    raise UsageError(
        f"Expected the result of {name}, but {folder} holds that of {was.get('origin') or was.get('name')}. Analyse "
        "the input first, or name the folder of its result."
    )

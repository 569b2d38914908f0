"""The interface of whatever is made of a result that stands: an annotated video, a report."""

import hashlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fer_client.media.sources import Source
from fer_client.outputs.result_folder import VISUALS_FILE, cannot_write, scratch_folder
from fer_client.outputs.stored_result import StoredResult, load_result
from fer_client.outputs.summary_file import SummaryFile
from fer_client.settings import Settings

Tick = Callable[[float], None]
"""Takes the share in [0, 1] that is done; raises Interrupted where a signal has come."""


@dataclass(frozen=True)
class Request:
    """What a visual is made of: a result, the input that it is of, and the settings of the run."""

    result: StoredResult
    source: Source
    settings: Settings


class Visual(ABC):
    """One file, or one folder of files, beside the tables."""

    @abstractmethod
    def name(self, source: Source, settings: Settings) -> str:
        """Name of the file or folder for this kind of input."""

    @abstractmethod
    def is_wanted(self, settings: Settings) -> bool:
        """Whether the user asked for it."""

    @abstractmethod
    def options(self, settings: Settings) -> dict[str, Any]:
        """The settings, as JSON holds them, that change it: with others it is made anew."""

    def check(self, settings: Settings) -> None:  # noqa: B027
        """Raise UsageError where it cannot be made with these settings, before anything is analysed."""

    @abstractmethod
    def make(self, request: Request, path: Path, tick: Tick) -> None:
        """Write it to `path`, which is not there yet. Raises InputError and Interrupted."""


def add_visuals(
    visuals: Sequence[Visual],
    source: Source,
    folder: Path,
    settings: Settings,
    making: Callable[[str], AbstractContextManager[Tick]],
) -> list[Path]:
    """Make those that are wanted and missing, or older than the result; return what was made.

    Each appears whole or not at all, and the tables stay as they are. `making` opens, for the name of a file, what is
    told how far it is. Raises what making them raises, and UsageError where the disk takes no more.
    """
    made = _read_made(folder)
    todo = [
        visual
        for visual in visuals
        if visual.is_wanted(settings) and not _stands(visual, source, folder, settings, made)
    ]
    if not todo:
        return []
    request = Request(load_result(folder), source, settings)
    paths = []
    for visual in todo:
        name = visual.name(source, settings)
        with making(name) as tick:
            _make(visual, request, folder / name, tick)
        made[name] = {"result": _stamp(folder), "options": visual.options(settings)}
        _write_made(folder, made)
        paths.append(folder / name)
    return paths


def _stands(visual: Visual, source: Source, folder: Path, settings: Settings, made: dict[str, Any]) -> bool:
    name = visual.name(source, settings)
    wanted = {"result": _stamp(folder), "options": visual.options(settings)}
    return (folder / name).exists() and made.get(name) == wanted


def _make(visual: Visual, request: Request, place: Path, tick: Tick) -> None:
    try:
        with scratch_folder(place.parent.parent) as scratch:
            draft = scratch / place.name
            visual.make(request, draft, tick)
            if place.is_dir() and not place.is_symlink():  # a rename replaces no folder that is not empty
                place.rename(scratch / "replaced")
            os.replace(draft, place)
    except OSError as error:
        raise cannot_write(place, error) from error


def _stamp(folder: Path) -> str:
    """What is another for every result: with a new one, what was made of an earlier one is old."""
    return hashlib.sha256((folder / SummaryFile.file_name).read_bytes()).hexdigest()


def _read_made(folder: Path) -> dict[str, Any]:
    made: object = {}
    with suppress(OSError, ValueError):
        made = json.loads((folder / VISUALS_FILE).read_text(encoding="utf-8"))
    return made if isinstance(made, dict) else {}


def _write_made(folder: Path, made: dict[str, Any]) -> None:
    with scratch_folder(folder.parent) as scratch:
        draft = scratch / VISUALS_FILE
        draft.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
        os.replace(draft, folder / VISUALS_FILE)

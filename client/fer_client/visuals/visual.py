"""The interface of whatever is made of a result that stands: an annotated video, a report."""

import hashlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fer_client.errors import FerError, InputError, UsageError
from fer_client.faces.detection import DetectorChoice
from fer_client.media.sources import Source
from fer_client.outputs.result_folder import (
    VISUAL_NAMES,
    VISUALS_FILE,
    cannot_write,
    made_visuals,
    scratch_folder,
)
from fer_client.outputs.stored_result import StoredResult, load_result
from fer_client.outputs.summary_file import SummaryFile
from fer_client.settings import Settings

Tick = Callable[[float], None]
"""Takes the share in [0, 1] that is done; raises Interrupted where a signal has come."""


@dataclass(frozen=True)
class Request:
    """What a visual is made of: a result, the input that it is of, and the settings of the run.

    `detector` finds faces that the tables do not have; without one, none are looked for. `notes` is where one visual
    leaves what the next can use.
    """

    result: StoredResult
    source: Source
    settings: Settings
    detector: DetectorChoice | None = None
    notes: dict[str, Any] = field(default_factory=dict)


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

    def unfit(self, _source: Source) -> str | None:
        """Say why there is none of this kind of input; None where there is."""
        return None

    @abstractmethod
    def make(self, request: Request, path: Path, tick: Tick) -> str | None:
        """Write it to `path`, which is not there yet; return a sentence for the user, if there is one to say.

        Raises InputError and Interrupted.
        """


def add_visuals(
    visuals: Sequence[Visual],
    source: Source,
    folder: Path,
    settings: Settings,
    making: Callable[[str], AbstractContextManager[Tick]],
    detector: DetectorChoice | None = None,
    notify: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Make those that are wanted and missing, or older than the result; return what was made.

    Each appears whole or not at all, and the tables stay as they are. `making` opens, for the name of a file, what is
    told how far it is; `notify` takes sentences for the user. One that fails stops no other.
    Raises what making the first of these raised, and UsageError where the disk takes no more.
    """

    def tell(sentence: str | None) -> None:
        if sentence:
            notify(f"Note: {source.shown}: {sentence}")

    made = made_visuals(folder)
    wanted = [visual for visual in visuals if visual.is_wanted(settings)]
    reasons = [visual.unfit(source) for visual in wanted]
    for reason in dict.fromkeys(reasons):  # which several may share
        tell(reason)
    fit = [visual for visual, reason in zip(wanted, reasons, strict=True) if reason is None]
    todo = [visual for visual in fit if not _stands(visual, source, folder, settings, made)]
    if settings.anonymize:
        fresh = {visual.name(source, settings) for visual in todo}
        tell(_showing_faces(folder, {name: about for name, about in made.items() if name not in fresh}))
    if not todo:
        return []
    request = Request(load_result(folder), source, settings, detector)
    paths, errors = [], []
    for visual in todo:
        path = folder / visual.name(source, settings)
        try:
            _check_place(path, made.get(path.name), settings)
            with _announced(path, visual.options(settings), made), making(path.name) as tick:
                tell(_make(visual, request, path, tick))
            made[path.name] = _record(visual, folder, settings)
            _write_made(folder, made)
        except (InputError, UsageError) as error:
            errors.append(error)
        else:
            paths.append(path)
    if errors:
        raise errors[0]
    return paths


def _stands(visual: Visual, source: Source, folder: Path, settings: Settings, made: dict[str, Any]) -> bool:
    name = visual.name(source, settings)
    return (folder / name).exists() and made.get(name) == _record(visual, folder, settings)


def _record(visual: Visual, folder: Path, settings: Settings) -> dict[str, Any]:
    """What is noted of a visual: by another result, or with other options, it is made anew."""
    return {"result": _stamp(folder), "options": visual.options(settings)}


def _showing_faces(folder: Path, made: dict[str, Any]) -> str | None:
    """Tell of what an earlier run made without hiding faces, where this one is to hide them."""
    names = [
        name
        for name, about in made.items()
        if name in VISUAL_NAMES and not about["options"].get("anonymize") and (folder / name).exists()
    ]
    if not names:
        return None
    return (
        f"{' and '.join(names)}, which an earlier run made, still {'shows' if len(names) == 1 else 'show'} its faces. "
        "Make anew what you need with --anonymize beside its option, and remove the rest."
    )


@contextmanager
def _announced(place: Path, options: dict[str, Any], made: dict[str, Any]) -> Iterator[None]:
    """Note that what comes to the place is a run's, in case this one ends before it notes what it made."""
    if place.name in made:
        yield
        return
    made[place.name] = {"result": "", "options": options}
    _write_made(place.parent, made)
    try:
        yield
    except FerError:
        del made[place.name]
        with suppress(UsageError):  # of a full disk, which the error tells already
            _write_made(place.parent, made)
        raise


def _check_place(place: Path, made: Any, settings: Settings) -> None:
    """Replace no file of the user's, and no picture whose faces were hidden by one that shows them."""
    if made is None and (place.exists() or place.is_symlink()):
        raise UsageError(f"{place} is in the way, and no run has made it. Move it, or choose another --out.")
    if place.exists() and made["options"].get("anonymize") and not settings.anonymize:
        raise UsageError(
            f"{place} was made with its faces hidden, and would show them now. Give --anonymize too, remove the file, "
            "or choose another --out."
        )


def _make(visual: Visual, request: Request, place: Path, tick: Tick) -> str | None:
    try:
        with scratch_folder(place.parent.parent) as scratch:
            draft = scratch / place.name
            remark = visual.make(request, draft, tick)
            if place.is_dir() and not place.is_symlink():  # a rename replaces no folder that is not empty
                place.rename(scratch / "replaced")
            os.replace(draft, place)
    except OSError as error:
        raise cannot_write(place, error) from error
    return remark


def _stamp(folder: Path) -> str:
    """What is another for every result: with a new one, what was made of an earlier one is old."""
    return hashlib.sha256((folder / SummaryFile.file_name).read_bytes()).hexdigest()


def _write_made(folder: Path, made: dict[str, Any]) -> None:
    """Write down what runs have made. Raises UsageError where the disk takes no more."""
    try:
        if not made:
            (folder / VISUALS_FILE).unlink(missing_ok=True)
            return
        with scratch_folder(folder.parent) as scratch:
            draft = scratch / VISUALS_FILE
            draft.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
            os.replace(draft, folder / VISUALS_FILE)
    except OSError as error:
        raise cannot_write(folder / VISUALS_FILE, error) from error

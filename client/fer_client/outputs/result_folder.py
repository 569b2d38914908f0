"""The folder of one input's results: it appears whole, or not at all."""

import errno
import fcntl
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from fer_client.errors import UsageError
from fer_client.media.sources import Source
from fer_client.outputs.episodes_table import EpisodesTable
from fer_client.outputs.exchange import exchange
from fer_client.outputs.faces_table import FacesTable
from fer_client.outputs.places import free_folder
from fer_client.outputs.summary_file import SummaryFile
from fer_client.outputs.tables import FORMATS

VISUALS_FILE = "visuals.json"
"""Which visuals were made of a result, and with which options; beside summary.json."""

VISUAL_NAMES = ("annotated.mp4", "annotated", "anonymized.mp4", "anonymized", "report.html")
"""What `fer_client.visuals` makes of a result to be opened: files, and folders for photographs."""

_TABLES_MADE = tuple(f"{name}.{suffix}" for name in ("relative", "baselines") for suffix in FORMATS)
"""The same, not to be opened but read: tables beside those of the run."""

KNOWN_FILES = frozenset(
    {SummaryFile.file_name, VISUALS_FILE}
    | {f"{table.name}.{suffix}" for table in (FacesTable, EpisodesTable) for suffix in FORMATS}
)
"""Everything that a run may write, beside the visuals that VISUALS_FILE tells of. A folder that holds anything else is
the user's, and is never replaced."""

_SCRATCH = ".fer-"
"""What the names of folders begin with in which results grow."""

_LOCK = "in-use"
"""File in such a folder that its run holds locked."""


def folder_names(sources: Sequence[Source]) -> list[PurePosixPath]:
    """Name each input's folder below --out: by its stem, or by its whole name where stems would meet.

    Stems meet where they belong to different names, or where one's folder would hold another's. Inputs of one name
    that were named themselves, and that are told apart by where they stand, get the same: `find_place` numbers their
    folders. Raises UsageError for others of one name, and for an input that is named twice.
    """
    _check_named_once(sources)
    stems = [source.place / source.stem for source in sources]
    labels = [source.place / source.label for source in sources]
    whole = Counter(stem for stem, _ in set(zip(stems, labels, strict=True)))
    parents = {parent for stem in stems for parent in stem.parents}
    names = [
        stem if whole[stem] == 1 and stem not in parents else label
        for stem, label in zip(stems, labels, strict=True)
    ]
    sharing: dict[PurePosixPath, list[Source]] = {}
    for source, name in zip(sources, names, strict=True):
        sharing.setdefault(name, []).append(source)
    for name, some in sharing.items():
        if name in parents or not _are_told_apart(some):
            raise UsageError(
                f"Several of the inputs are named {some[0].place / some[0].label}, and their results would share a "
                "folder. Name the folder above them instead, or analyse them in separate runs."
            )
    return names


def _check_named_once(sources: Sequence[Source]) -> None:
    """Raise UsageError for a file of several sources, whose faces would count several times."""
    seen: set[str] = set()
    for source in sources:
        for path in source.paths:
            name = os.path.abspath(path)
            if name in seen:
                raise UsageError(
                    f"{path} is named twice, by itself or with a folder around it, so its faces would count twice. "
                    "Name it once."
                )
            seen.add(name)


def _are_told_apart(sources: Sequence[Source]) -> bool:
    origins = {source.origin for source in sources if source.place == PurePosixPath(".")}
    return len(sources) == 1 or (len(origins) == len(sources) and None not in origins)


def input_places(sources: Sequence[Source]) -> frozenset[Path]:
    """Where the inputs stand, whichever links lead there, so that no result replaces one."""
    paths = [path for source in sources for path in source.paths]
    return frozenset(place for path in paths for place in (path.parent.resolve() / path.name, path.resolve()))


def prepare_folder(folder: Path) -> None:
    """Make a folder that is to take result folders, and rid it of what runs that were killed left in it.

    Raises UsageError where it takes no new files.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise cannot_write(folder, error) from error
    for scratch in folder.glob(f"{_SCRATCH}*"):
        _remove_unless_in_use(scratch)


def _remove_unless_in_use(scratch: Path) -> None:
    with suppress(OSError), (scratch / _LOCK).open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(scratch)


def check_target(target: Path, inputs: frozenset[Path] = frozenset()) -> None:
    """Raise UsageError unless a result may take the place: there is nothing, or an earlier run's folder.

    Such a folder holds summary.json and nothing but KNOWN_FILES, none of them one of `inputs`.
    """
    try:
        if target.is_symlink() or (target.exists() and not target.is_dir()):
            raise UsageError(
                f"{target} is in the way: results need a folder of that name. Choose another --out."
            )
        strangers = _strangers(target, inputs) if target.is_dir() else []
    except OSError as error:
        raise cannot_write(target, error) from error
    if strangers:
        raise UsageError(
            f"{target} holds what is no part of an input's result ({strangers[0]}), and a new result would replace "
            "the folder. Choose another --out, or move it."
        )


def _strangers(target: Path, inputs: frozenset[Path]) -> list[str]:
    names = set(os.listdir(target))
    own = {name for name in names if target.resolve() / name in inputs}
    is_a_result = SummaryFile.file_name in names
    return sorted(names - KNOWN_FILES - made_visuals(target).keys() | own if is_a_result else names)


def made_visuals(folder: Path) -> dict[str, Any]:
    """Return what is recorded of the visuals in a result's folder, by their names; of what is not there, nothing."""
    made: object = {}
    with suppress(OSError, ValueError):
        made = json.loads((folder / VISUALS_FILE).read_text(encoding="utf-8"))
    known = {*VISUAL_NAMES, *_TABLES_MADE}
    entries = made.items() if isinstance(made, dict) else ()
    return {name: about for name, about in entries if name in known and _tells_options(about)}


def _tells_options(about: object) -> bool:
    """Whether an entry is as a run wrote it; of one that somebody has changed nothing is known."""
    return isinstance(about, dict) and isinstance(about.get("options"), dict)


@dataclass
class Draft:
    """A result that grows in `folder`. Once it is whole, `place` is where it stands."""

    folder: Path
    place: Path


@contextmanager
def result_folder(target: Path, replaces: bool = True) -> Iterator[Draft]:
    """Yield a draft in an empty folder beside `target` that takes its place when the block ends without an error.

    An earlier result stays until then, and for good when the block fails. Where the draft `replaces` none and
    another run has taken the place meanwhile, it gets the next free number. Raises UsageError where the disk
    takes no more, and where files of the user have come to the earlier result meanwhile.
    """
    try:
        with scratch_folder(target.parent) as scratch:
            draft = Draft(scratch / "partial", target)
            draft.folder.mkdir()
            yield draft
            if replaces:
                check_target(target)
                _swap(draft.folder, target, scratch / "replaced")
            else:
                draft.place = _put(draft.folder, target)
    except OSError as error:
        raise cannot_write(target, error) from error


@contextmanager
def scratch_folder(place: Path) -> Iterator[Path]:
    """Yield a hidden folder in `place`, in use until the end of the block, when it is removed."""
    with (
        tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=place, ignore_cleanup_errors=True) as name,
        _locked(Path(name)) as scratch,
    ):
        yield scratch


@contextmanager
def _locked(scratch: Path) -> Iterator[Path]:
    """Show other runs that the folder is in use: the system frees the lock however this process ends.

    The lock is there before its file has the name that others look for. On a disk without locks it never
    gets that name, and nobody takes the folder for a leftover.
    """
    unlocked = scratch / "unlocked"
    with unlocked.open("wb") as lock:
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unlocked.rename(scratch / _LOCK)
        yield scratch


def cannot_write(path: Path, error: OSError) -> UsageError:
    """Say that results cannot be written, and why."""
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return UsageError(
        f"The results cannot be written to {path}: {error.strerror or error}. "
        f"{'Free some space, or choose' if is_full else 'Choose'} another folder with --out."
    )


def _put(partial: Path, target: Path) -> Path:
    """Give the folder the first free name. A folder's rename replaces nothing but an empty folder."""
    place = target
    while True:
        try:
            return partial.rename(place)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise
        place = free_folder(target)


def _swap(partial: Path, target: Path, aside: Path) -> None:
    """Put the new result in the place of the earlier one: at once where the disk can, else by way of `aside`."""
    if exchange(partial, target):
        return
    if target.exists():
        target.rename(aside)
    try:
        partial.rename(target)
    except BaseException:  # also a second Ctrl-C: the earlier result comes back whatever happens
        if aside.exists():
            aside.rename(target)
        raise

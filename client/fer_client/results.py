"""The folder of one input's results: it appears whole, or not at all."""

import errno
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from fer_client.errors import UsageError
from fer_client.sources import Source
from fer_client.tables import FORMATS

KNOWN_FILES = frozenset(
    {"summary.json"} | {f"{name}.{suffix}" for name in ("faces", "episodes") for suffix in FORMATS}
)
"""Everything that a run may write. A folder that holds anything else is the user's, and is never replaced."""


def folder_names(sources: Sequence[Source]) -> list[PurePosixPath]:
    """Name each input's folder below --out: by its stem, or by its whole name where stems would meet.

    Stems meet where they are equal, or where one's folder would hold another's. Raises UsageError where
    even the whole names are equal, or an input is named twice.
    """
    stems = [source.place / source.stem for source in sources]
    count = Counter(stems)
    parents = {parent for stem in stems for parent in stem.parents}
    names = [
        stem if count[stem] == 1 and stem not in parents else source.place / source.label
        for source, stem in zip(sources, stems, strict=True)
    ]
    twice = [name for name, number in Counter(names).items() if number > 1 or name in parents]
    if twice:
        raise UsageError(
            f"Several of the inputs are named {twice[0]}, and their results would share a folder. Name the "
            "folder above them instead, or analyse them in separate runs with different --out folders."
        )
    return names


def input_places(sources: Sequence[Source]) -> frozenset[Path]:
    """Where the inputs stand, whichever links lead there, so that no result replaces one."""
    paths = [path for source in sources for path in source.paths]
    return frozenset(place for path in paths for place in (path.parent.resolve() / path.name, path.resolve()))


def check_target(target: Path, inputs: frozenset[Path]) -> None:
    """Refuse early: the folder must be absent or an earlier run's, and its parent must take new folders.

    An earlier run's folder holds summary.json and nothing but KNOWN_FILES, none of them one of `inputs`.
    """
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise UsageError(f"{target} is in the way: results need a folder of that name. Choose another --out.")
    strangers = _strangers(target, inputs) if target.is_dir() else []
    if strangers:
        raise UsageError(
            f"{target} holds files that fer-client did not write ({strangers[0]}), and a new result would replace "
            "the folder. Choose another --out, or move them."
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=target.parent).close()
    except OSError as error:
        raise cannot_write(target.parent, error) from error


def _strangers(target: Path, inputs: frozenset[Path]) -> list[str]:
    names = set(os.listdir(target))
    own = {name for name in names if target.resolve() / name in inputs}
    is_a_result = "summary.json" in names
    return sorted(names - KNOWN_FILES | own if is_a_result else names)


@contextmanager
def result_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside `target` that takes its place when the block ends without an error.

    An earlier result stays until then, and for good when the block fails.
    """
    try:
        with tempfile.TemporaryDirectory(
            prefix=".fer-", dir=target.parent, ignore_cleanup_errors=True
        ) as scratch:
            partial = Path(scratch) / "partial"
            partial.mkdir()
            yield partial
            _swap(partial, target, Path(scratch) / "replaced")
    except OSError as error:
        raise cannot_write(target, error) from error


def cannot_write(path: Path, error: OSError) -> UsageError:
    """Say that results cannot be written, and why."""
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return UsageError(
        f"The results cannot be written to {path}: {error.strerror or error}. "
        f"{'Free some space, or choose' if is_full else 'Choose'} another folder with --out."
    )


def _swap(partial: Path, target: Path, aside: Path) -> None:
    if target.exists():
        target.rename(aside)
    try:
        partial.rename(target)
    except BaseException:  # also a second Ctrl-C: the earlier result comes back whatever happens
        if aside.exists():
            aside.rename(target)
        raise

"""The folder of one video's results: it appears whole, or not at all."""

import errno
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fer_client.errors import UsageError

KNOWN_FILES = frozenset(
    {"faces.csv", "faces.jsonl", "faces.parquet", "summary.json", "annotated.mp4", "report.html"}
)
"""Everything that a run may write. A folder that holds anything else is the user's, and is never replaced."""


def folder_names(videos: Sequence[Path]) -> list[str]:
    """Name each video's folder by its stem, or by its whole file name where stems are equal.

    Raises UsageError where even the file names are equal, or a video is named twice.
    """
    stems = Counter(video.stem for video in videos)
    names = [video.stem if stems[video.stem] == 1 else video.name for video in videos]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UsageError(
            f"Several of the videos are named {twice[0]}, and their results would share a folder. "
            "Analyse them in separate runs with different --out folders."
        )
    return names


def check_target(target: Path, videos: Sequence[Path]) -> None:
    """Refuse early: the folder must be absent or an earlier run's, and its parent must take new folders.

    An earlier run's folder holds summary.json and nothing but KNOWN_FILES, none of them a video of this run.
    """
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise UsageError(f"{target} is in the way: results need a folder of that name. Choose another --out.")
    strangers = _strangers(target, videos) if target.is_dir() else []
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


def _strangers(target: Path, videos: Sequence[Path]) -> list[str]:
    names = set(os.listdir(target))
    places = [place for video in videos for place in (video.parent.resolve() / video.name, video.resolve())]
    inputs = {place.name for place in places if place.parent == target.resolve()}
    is_a_result = "summary.json" in names
    return sorted(names - KNOWN_FILES | names & inputs if is_a_result else names)


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

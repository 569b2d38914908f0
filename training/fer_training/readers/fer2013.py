"""FER2013 in its official forms, and the FER+ votes.

Forms: `fer2013.csv` (Kaggle's columns `emotion,pixels,Usage`, or the later `emotion, Usage, pixels` with spaces
before the names), and the folder tree `train/<class>/`, `test/<class>/`. FER+'s `fer2013new.csv` has one row for
each row of `fer2013.csv`, in the same order.
"""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_client.contract import LABELS
from fer_client.errors import InputError
from fer_training.dataset import SPLITS, VOTE_NAMES, VOTES_OF_LABEL
from fer_training.preparation import SIDE, Sample, Source, held_out, read_luma

PLUS_LABELS = (*LABELS, "contempt")
"""FER+'s eight classes, in the contract's order with contempt at the end."""

FOLDER_NAMES = {
    **{name: index for index, name in enumerate(LABELS)},
    "anger": 0, "disgusted": 1, "fearful": 2, "happiness": 3, "sadness": 4, "surprised": 5,
}  # fmt: skip

HELD_OUT_PERCENT = 10


def read_fer2013(path: Path) -> Source:
    """Read `fer2013.csv` (or the folder that holds it) or the folder tree; labels are the original ones.

    Votes are kept where `fer2013new.csv` lies beside the CSV file. A tree carries no row numbers to match
    votes by, so it has none. Raises InputError that names what was expected and found.
    """
    if (path / "train").is_dir():
        return _tree(path)
    table = _find_csv(path)
    votes = table.with_name("fer2013new.csv")
    rows = _rows(table, votes if votes.exists() else None)
    return Source(
        "fer2013", LABELS, rows, () if votes.exists() else ("No fer2013new.csv beside it: no votes.",)
    )


def read_fer2013plus(path: Path) -> Source:
    """Read `fer2013.csv` with the label that most of FER+'s ten voters chose, in eight classes.

    Rows where "unknown" or "not a face" leads, or where no class has more than half of the votes, are left out,
    as in the paper (Barsoum et al. 2016, majority voting). Raises InputError as `read_fer2013`.
    """
    table = _find_csv(path)
    votes = table.with_name("fer2013new.csv")
    if not votes.exists():
        raise InputError(f"Expected FER+'s fer2013new.csv beside {table}, but it is not there. Put it there.")
    note = "Rows without a majority for one of the eight classes are left out."
    return Source("fer2013plus", PLUS_LABELS, _majority(_rows(table, votes)), (note,))


def _find_csv(path: Path) -> Path:
    table = path / "fer2013.csv" if path.is_dir() else path
    if not table.is_file():
        raise InputError(
            f"Expected fer2013.csv or a folder with it, or a folder with train/ and test/, at {path}; found neither. "
            "Unpack Kaggle's archive and give its path."
        )
    return table


def _rows(table: Path, votes: Path | None) -> Iterator[Sample]:
    vote_rows = None if votes is None else _votes(votes)
    with table.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        columns = _columns(table, next(reader, []), ("emotion", "pixels", "Usage"))
        count = 0
        for count, row in enumerate(reader, start=1):
            voted = next(vote_rows, None) if vote_rows else None
            if vote_rows and voted is None:
                raise _other_length(table, votes, "fewer")
            yield _sample(table, count, row, columns, voted)
    if count == 0:
        raise InputError(f"Expected rows of images in {table}, but it has none. Download it again.")
    if vote_rows and next(vote_rows, None) is not None:
        raise _other_length(table, votes, "more")


def _other_length(table: Path, votes: Path | None, what: str) -> InputError:
    return InputError(
        f"Expected as many rows in {votes} as in {table}, but it has {what}: one of them is cut."
    )


def _columns(table: Path, header: list[str], names: tuple[str, ...]) -> list[int]:
    spelled = [name.strip() for name in header]
    missing = [name for name in names if name not in spelled]
    if missing:
        raise InputError(
            f"Expected the columns {', '.join(names)} in {table}, but {', '.join(missing)} is missing "
            f"(found: {', '.join(spelled)[:80] or 'nothing'}). Give the official file."
        )
    return [spelled.index(name) for name in names]


def _sample(
    table: Path, number: int, row: list[str], columns: list[int], votes: tuple[int, ...] | None
) -> Sample:
    try:
        emotion, pixels, usage = (row[column].strip() for column in columns)
        label = int(emotion)
        in_range = 0 <= label < len(LABELS) and usage in SPLITS
    except (IndexError, ValueError):
        in_range = False
    if not in_range:
        raise InputError(
            f"Expected a label 0 to 6, pixels and a usage in row {number} of {table}, got {','.join(row)[:60]!r}. "
            "The file is cut or damaged: get it again."
        )
    return Sample(_parse_pixels(pixels), label, usage, f"row {number}", votes)


def _parse_pixels(text: str) -> NDArray[np.uint8] | None:
    """Turn 2304 numbers into an image; None when they are fewer, more, or out of range."""
    try:
        values = np.array(text.split(), np.int64)
    except ValueError:
        return None
    if values.size != SIDE * SIDE or values.min() < 0 or values.max() > 255:
        return None
    return values.astype(np.uint8).reshape(SIDE, SIDE)


def _votes(table: Path) -> Iterator[tuple[int, ...]]:
    with table.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        columns = _columns(table, next(reader, []), VOTE_NAMES)
        for number, row in enumerate(reader, start=1):
            try:
                yield tuple(int(row[column]) for column in columns)
            except (IndexError, ValueError):
                raise InputError(
                    f"Expected ten vote counts in row {number} of {table}, got {','.join(row)[:60]!r}. "
                    "The file is cut or damaged: get it again."
                ) from None


def _majority(samples: Iterator[Sample]) -> Iterator[Sample]:
    for sample in samples:
        votes = sample.votes or (0,) * len(VOTE_NAMES)
        leader = int(np.argmax(votes))
        names = [name for name in PLUS_LABELS if VOTES_OF_LABEL[name] == VOTE_NAMES[leader]]
        agreed = names and 2 * votes[leader] > sum(votes)
        yield replace(sample, label=PLUS_LABELS.index(names[0]) if agreed else None)


def _tree(root: Path) -> Source:
    paths = sorted(
        path for part in ("train", "test") for path in (root / part).rglob("*.*") if path.is_file()
    )
    for path in paths:
        if path.parent.name.lower() not in FOLDER_NAMES:
            raise InputError(
                f"Expected class folders named {', '.join(LABELS)} in {root}, found {path.parent.name}. Rename it."
            )
    named = any(path.name.startswith("PublicTest") for path in paths)
    note = (
        "PublicTest and PrivateTest by the file names."
        if named
        else f"No file is named PublicTest: test/ is PrivateTest, and {HELD_OUT_PERCENT} % of train/ are PublicTest, "
        "chosen by the SHA-256 of their pixels, so that copies stay together."
    )
    return Source(
        "fer2013", LABELS, (_read_image(root, path, named) for path in paths), (note, "A tree has no votes.")
    )


def _read_image(root: Path, path: Path, named: bool) -> Sample:
    luma = read_luma(path)
    relative = path.relative_to(root)
    split = _tree_split(relative, luma, named)
    return Sample(luma, FOLDER_NAMES[path.parent.name.lower()], split, str(relative))


def _tree_split(relative: Path, luma: NDArray[np.uint8] | None, named: bool) -> str:
    if relative.parts[0] == "test":
        return "PublicTest" if named and relative.name.startswith("PublicTest") else "PrivateTest"
    if named or luma is None:
        return "Training"
    return "PublicTest" if held_out(luma, HELD_OUT_PERCENT) else "Training"

"""FER2013 in its official forms, and the FER+ votes.

Forms: `fer2013.csv` (Kaggle's columns `emotion,pixels,Usage`, or the later `emotion, Usage, pixels` with spaces
before the names; Kaggle's challenge calls that file `icml_face_data.csv`), and the folder tree `train/<class>/`,
`test/<class>/`. FER+'s `fer2013new.csv` has one row for each row of `fer2013.csv`, in the same order.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_client.contract import LABELS
from fer_client.errors import InputError
from fer_training.data.dataset import SPLITS, VOTE_NAMES, VOTES_OF_LABEL
from fer_training.data.preparation import SIDE, Sample, Source
from fer_training.data.readers.folders import FOLDER_NAMES, class_files, class_folders, tree
from fer_training.data.readers.text import csv_rows, damaged

PLUS_LABELS = (*LABELS, "contempt")
"""FER+'s eight classes, in the contract's order with contempt at the end."""

CSV_PLACES = ("fer2013.csv", "icml_face_data.csv", "fer2013/fer2013.csv")
PUBLISHED = 28_709 + 3_589 + 3_589
"""Images of the challenge in Training, PublicTest and PrivateTest."""


def read_fer2013(path: Path) -> Source:
    """Read `fer2013.csv` (or the folder that holds it) or the folder tree; labels are the original ones.

    Votes are kept where `fer2013new.csv` lies beside the CSV file. A tree carries no row numbers to match
    votes by, so it has none. Raises InputError that names what was expected and found.
    """
    if (path / "train").is_dir():
        return _tree(path)
    table = _find_csv(path)
    votes = table.with_name("fer2013new.csv")
    samples = _samples(table)
    if votes.exists():
        return Source("fer2013", LABELS, _with_votes(samples, table, votes), published=PUBLISHED)
    return Source(
        "fer2013", LABELS, samples, ("No fer2013new.csv beside it: no votes.",), published=PUBLISHED
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
    samples = _majority(_with_votes(_samples(table), table, votes))
    return Source("fer2013plus", PLUS_LABELS, samples, (note,), published=PUBLISHED)


def _find_csv(path: Path) -> Path:
    places = [path / place for place in CSV_PLACES] if path.is_dir() else [path]
    table = next((place for place in places if place.is_file()), None)
    if table is None:
        raise InputError(
            "Expected fer2013.csv or a folder with it (or with Kaggle's icml_face_data.csv), or a folder with train/ "
            f"and test/, at {path}; found none of them. Unpack Kaggle's archive and give its path."
        )
    return table


def _samples(table: Path) -> Iterator[Sample]:
    """Read the rows; one whose pixels are damaged is unreadable, unless it is the last: then the file was cut."""
    rows = csv_rows(table)
    columns = _columns(table, next(rows, []), ("emotion", "pixels", "Usage"))
    sample = None
    for number, row in enumerate(rows, start=1):
        sample = _sample(table, number, row, columns)
        yield sample
    if sample is None:
        raise InputError(f"Expected rows of images in {table}, but it has none. Download it again.")
    if sample.luma is None:
        raise damaged(table, number, f"{SIDE * SIDE} pixels 0 to 255", ",".join(row)[-60:])


def _with_votes(samples: Iterator[Sample], table: Path, votes: Path) -> Iterator[Sample]:
    """Add the votes of the same row; the two files must name the same usage in every row."""
    for number, (sample, voted) in enumerate(zip_longest(samples, _votes(votes)), start=1):
        if sample is None or voted is None:
            raise InputError(
                f"Expected as many rows in {votes} as in {table}, but it has {'more' if voted else 'fewer'}: "
                "one of them is cut. Get both again."
            )
        usage, counts = voted
        if usage != sample.split:
            raise InputError(
                f"Expected the same usage in row {number} of {votes} and {table}, got {usage} and {sample.split}. "
                "Votes belong to images by their row: give both files in the official order."
            )
        yield replace(sample, votes=counts)


def _columns(table: Path, header: list[str], names: tuple[str, ...]) -> list[int]:
    spelled = [name.strip() for name in header]
    missing = [name for name in names if name not in spelled]
    if missing:
        raise InputError(
            f"Expected the columns {', '.join(names)} in {table}, but {', '.join(missing)} is missing "
            f"(found: {', '.join(spelled)[:80] or 'nothing'}). Give the official file."
        )
    return [spelled.index(name) for name in names]


def _sample(table: Path, number: int, row: list[str], columns: list[int]) -> Sample:
    try:
        emotion, pixels, usage = (row[column].strip() for column in columns)
        label = int(emotion)
        in_range = 0 <= label < len(LABELS) and usage in SPLITS
    except (IndexError, ValueError):
        in_range = False
    if not in_range:
        raise damaged(table, number, "a label 0 to 6, pixels and a usage", ",".join(row))
    return Sample(_parse_pixels(pixels), label, usage, f"row {number}")


def _parse_pixels(text: str) -> NDArray[np.uint8] | None:
    """Turn 2304 numbers into an image; None when they are fewer, more, or out of range."""
    try:
        values = np.array(text.split(), np.int64)
    except ValueError:
        return None
    if values.size != SIDE * SIDE or values.min() < 0 or values.max() > 255:
        return None
    return values.astype(np.uint8).reshape(SIDE, SIDE)


def _votes(table: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Read the usage and the ten votes of each row."""
    rows = csv_rows(table)
    columns = _columns(table, next(rows, []), ("Usage", *VOTE_NAMES))
    for number, row in enumerate(rows, start=1):
        try:
            usage, *cells = (row[column].strip() for column in columns)
            counts = tuple(map(int, cells))
            in_range = all(0 <= count <= 255 for count in counts)
        except (IndexError, ValueError):
            in_range = False
        if not in_range:
            raise damaged(table, number, "a usage and ten vote counts 0 to 255", ",".join(row))
        yield usage, counts


def _majority(samples: Iterator[Sample]) -> Iterator[Sample]:
    for sample in samples:
        votes = sample.votes or (0,) * len(VOTE_NAMES)
        leader = int(np.argmax(votes))
        names = [name for name in PLUS_LABELS if VOTES_OF_LABEL[name] == VOTE_NAMES[leader]]
        agreed = names and 2 * votes[leader] > sum(votes)
        yield replace(sample, label=PLUS_LABELS.index(names[0]) if agreed else None)


def _tree(root: Path) -> Source:
    files = class_files(root)
    for name in class_folders(files):
        if name.lower() not in FOLDER_NAMES:
            raise InputError(
                f"Expected class folders named {', '.join(LABELS)} in {root}, found {name}. Rename it, or prepare "
                "your own classes as the dataset `folders`."
            )
    source = tree(root, files, "fer2013", LABELS, lambda name: FOLDER_NAMES[name.lower()])
    return replace(source, notes=(*source.notes, "A tree has no votes."), published=PUBLISHED)

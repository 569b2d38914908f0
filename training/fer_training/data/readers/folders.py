"""A folder per class below `train/` and `test/`, with any names: your own data, and FER2013 as a tree."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_client.contract import LABELS
from fer_client.errors import InputError
from fer_training.data.dataset import SPLITS
from fer_training.data.preparation import Sample, Source, held_out, read_luma

FOLDER_NAMES = {
    **{name: index for index, name in enumerate(LABELS)},
    "anger": 0, "disgusted": 1, "fearful": 2, "happiness": 3, "sadness": 4, "surprised": 5,
}  # fmt: skip
"""The contract's labels by the names of folders that are in use for them, in lower case."""

HELD_OUT_PERCENT = 10


def read_folders(root: Path) -> Source:
    """Read the class folders `train/<class>/` and `test/<class>/`; the dataset is named as the folder that holds them.

    Folders that are all named after the contract's labels take their names and order; others keep their names, in
    alphabetical order. Raises InputError where train/ or test/ is missing, train/ has fewer than two classes, or
    test/ has one that train/ has not.
    """
    for part in ("train", "test"):
        if not (root / part).is_dir():
            raise InputError(
                f"Expected {part}/ with one folder for each class in {root}, but it is not there. "
                "Put the pictures into train/<class>/ and test/<class>/."
            )
    files = class_files(root)
    learned, tested = (class_folders(files, part) for part in ("train", "test"))
    if len(learned) < 2 or not set(tested) <= set(learned):
        raise InputError(
            f"Expected pictures of two classes or more in {root / 'train'}, and no others in test/; found "
            f"{', '.join(learned) or 'none'} in train/ and {', '.join(tested) or 'none'} in test/. "
            "Put the pictures into train/<class>/ and test/<class>/."
        )
    labels = _labels(learned)
    source = tree(root, files, root.resolve().name, labels, lambda name: labels.index(_label(name, labels)))
    return replace(source, splits=SPLITS)


def _labels(folders: Sequence[str]) -> tuple[str, ...]:
    codes = [FOLDER_NAMES.get(name.lower()) for name in folders]
    if None in codes or len(set(codes)) < 2:
        return tuple(folders)
    return tuple(label for index, label in enumerate(LABELS) if index in codes)


def _label(folder: str, labels: Sequence[str]) -> str:
    return folder if folder in labels else LABELS[FOLDER_NAMES[folder.lower()]]


def class_files(root: Path) -> list[Path]:
    """List all files below train/ and test/ but hidden ones, relative to the root."""
    found = (path.relative_to(root) for part in ("train", "test") for path in (root / part).rglob("*"))
    visible = [path for path in found if not any(name.startswith(".") for name in path.parts)]
    return sorted(path for path in visible if (root / path).is_file())


def class_folders(files: Iterable[Path], part: str | None = None) -> list[str]:
    """Names of the class folders that hold files, in alphabetical order, of train/ or test/ alone where `part` says."""
    parts = {path.parts[:2] for path in files if len(path.parts) > 2}
    return sorted({name for place, name in parts if part in (None, place)})


def tree(
    root: Path, files: Sequence[Path], name: str, labels: tuple[str, ...], code: Callable[[str], int]
) -> Source:
    """Turn class folders into a source; `code` gives a folder's index in the labels.

    The file names tell PublicTest and PrivateTest where some start so; else test/ is PrivateTest, and a share of
    train/ is held out as PublicTest.
    """
    named = any(path.name.startswith("PublicTest") for path in files)
    note = (
        "PublicTest and PrivateTest by the file names."
        if named
        else f"No file is named PublicTest: test/ is PrivateTest, and {HELD_OUT_PERCENT} % of train/ are PublicTest, "
        "chosen by the SHA-256 of their pixels, so that copies stay together."
    )
    samples = (_sample(root, path, named, code) for path in files)
    return Source(name, labels, samples, (note,), splits=SPLITS if named else ("Training", "PrivateTest"))


def _sample(root: Path, path: Path, named: bool, code: Callable[[str], int]) -> Sample:
    """Read one file; it has no label where it lies beside the class folders."""
    label = code(path.parts[1]) if len(path.parts) > 2 else None
    luma = read_luma(root / path)
    return Sample(luma, label, _split(path, luma, named), str(path))


def _split(relative: Path, luma: NDArray[np.uint8] | None, named: bool) -> str:
    if relative.parts[0] == "test":
        return "PublicTest" if named and relative.name.startswith("PublicTest") else "PrivateTest"
    if named or luma is None:
        return "Training"
    return "PublicTest" if held_out(luma, HELD_OUT_PERCENT) else "Training"

"""AffectNet (Mollahosseini et al. 2017), in the two forms that were given out.

- Tables: `training.csv` and `validation.csv` with face box, landmarks, expression, valence and arousal, beside
  `Manually_Annotated_Images/`. Some copies of the tables lack the header line.
- Folders: `train_set/` and `val_set/`, each with `images/<id>.jpg` and `annotations/<id>_exp.npy`, `_val.npy`,
  `_aro.npy`; the faces are cropped already.

The validation set serves as PrivateTest, since the test set was never given out; a share of the training images is
held out as PublicTest.
"""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_client.contract import LABELS
from fer_client.errors import InputError
from fer_training.data.preparation import Sample, Source, held_out, read_luma
from fer_training.data.readers.text import csv_rows, damaged

AFFECTNET_LABELS = (*LABELS, "contempt")
CODES = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt")
"""Expressions by code; 8 to 10 are "none", "uncertain" and "no face", which are left out."""

COLUMNS = (
    "subDirectory_filePath", "face_x", "face_y", "face_width", "face_height", "facial_landmarks",
    "expression", "valence", "arousal",
)  # fmt: skip
HIGHEST_CODE = 10
HELD_OUT_PERCENT = 2
NOTE = (
    f"The validation set is PrivateTest; {HELD_OUT_PERCENT} % of the training images are PublicTest, chosen by the "
    "SHA-256 of their pixels. Codes 8 to 10 (none, uncertain, no face) are left out."
)


def read_affectnet(root: Path) -> Source:
    """Read either form from its folder; the classes are the contract's seven and contempt.

    Valence and arousal of -2 mean "not annotated" and become NaN. Raises InputError where neither form is found,
    a column is missing or a row is damaged.
    """
    if (root / "training.csv").is_file():
        samples = _tables(root)
    elif (root / "train_set" / "annotations").is_dir():
        samples = _folders(root)
    else:
        raise InputError(
            f"Expected training.csv and validation.csv, or train_set/ and val_set/, in {root}; found neither. "
            "Give the folder that AffectNet was unpacked into."
        )
    return Source("affectnet", AFFECTNET_LABELS, samples, (NOTE,), splits=("Training", "PrivateTest"))


def _tables(root: Path) -> Iterator[Sample]:
    images = next((folder for folder in _image_folders(root) if folder.is_dir()), None)
    if images is None:
        raise InputError(
            f"Expected the folder Manually_Annotated_Images in {root}, but it is not there. Unpack it there."
        )
    for name, is_training in (("training.csv", True), ("validation.csv", False)):
        table = root / name
        if not table.is_file():
            raise InputError(
                f"Expected {name} beside training.csv in {root}, but it is not there. Put it there."
            )
        for number, row in enumerate(_rows(table), start=1):
            yield _table_sample(table, number, row, images, is_training)


def _image_folders(root: Path) -> list[Path]:
    return [root / "Manually_Annotated_Images", root / "Manually_Annotated" / "Manually_Annotated_Images"]


def _rows(table: Path) -> Iterator[dict[str, str]]:
    """Give rows by column name; a first line that is no header is a row in the official order."""
    reader = csv_rows(table)
    first = [cell.strip() for cell in next(reader, [])]
    header = list(COLUMNS)
    if len(first) == len(COLUMNS) and first[COLUMNS.index("expression")].lstrip("-").isdigit():
        yield dict(zip(header, first, strict=True))
    else:
        header = first
        missing = [name for name in COLUMNS if name not in header and name != "facial_landmarks"]
        if missing:
            raise InputError(
                f"Expected the columns {', '.join(COLUMNS)} in {table}, but {', '.join(missing)} is missing. "
                "Give the official file."
            )
    for row in reader:
        yield dict(zip(header, (cell.strip() for cell in row), strict=False))


def _table_sample(table: Path, number: int, row: dict[str, str], images: Path, is_training: bool) -> Sample:
    try:
        name = row["subDirectory_filePath"]
        box = [float(row[column]) for column in ("face_x", "face_y", "face_width", "face_height")]
        code, valence, arousal = int(row["expression"]), float(row["valence"]), float(row["arousal"])
        in_range = 0 <= code <= HIGHEST_CODE and all(map(math.isfinite, box))
    except (KeyError, ValueError):
        in_range = False
    if not in_range:
        expected = f"a face box, an expression 0 to {HIGHEST_CODE}, valence and arousal"
        raise damaged(table, number, expected, ",".join(row.values()))
    luma = _cut(read_luma(images / name), box) if code < len(CODES) else None
    return _sample(luma, code, (valence, arousal), name, is_training)


def _cut(luma: NDArray[np.uint8] | None, box_xywh: list[float]) -> NDArray[np.uint8] | None:
    """Cut the face out; None where the box lies outside the picture."""
    if luma is None:
        return None
    x, y, width, height = box_xywh
    left, top, right, bottom = (max(0, round(value)) for value in (x, y, x + width, y + height))
    face = luma[top:bottom, left:right]
    return face if face.size else None


def _sample(
    luma: NDArray[np.uint8] | None, code: int, values: tuple[float, float], name: str, is_training: bool
) -> Sample:
    label = AFFECTNET_LABELS.index(CODES[code]) if code < len(CODES) else None
    split = "PrivateTest"
    if is_training:
        split = "PublicTest" if luma is not None and held_out(luma, HELD_OUT_PERCENT) else "Training"
    valence, arousal = (value if -1 <= value <= 1 else float("nan") for value in values)
    return Sample(luma, label, split, name, valence_arousal=(valence, arousal))


def _folders(root: Path) -> Iterator[Sample]:
    for part, is_training in (("train_set", True), ("val_set", False)):
        annotations = root / part / "annotations"
        if not annotations.is_dir():
            raise InputError(
                f"Expected the folder {part}/annotations in {root}, but it is not there. Unpack it there."
            )
        for path in sorted(annotations.glob("*_exp.npy")):
            yield _folder_sample(root / part, path.name.removesuffix("_exp.npy"), is_training)


def _folder_sample(folder: Path, name: str, is_training: bool) -> Sample:
    code, valence, arousal = (
        _annotation(folder / "annotations" / f"{name}_{part}.npy") for part in ("exp", "val", "aro")
    )
    if not 0 <= code <= HIGHEST_CODE:
        raise InputError(
            f"Expected an expression 0 to {HIGHEST_CODE} in {folder / 'annotations' / name}_exp.npy, got {code:g}. "
            "The file is damaged: get it again."
        )
    luma = read_luma(folder / "images" / f"{name}.jpg") if code < len(CODES) else None
    return _sample(luma, int(code), (valence, arousal), f"{folder.name}/{name}.jpg", is_training)


def _annotation(path: Path) -> float:
    """Read one number; the official files hold it as text."""
    try:
        return float(str(np.load(path)))
    except (OSError, ValueError, EOFError) as error:
        raise InputError(
            f"Expected one number in {path}, but it cannot be read ({error}). Get it again."
        ) from error

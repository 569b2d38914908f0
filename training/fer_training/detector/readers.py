"""Annotated pictures of faces as their makers publish them: WIDER FACE, and one table beside archives of pictures."""

import csv
import hashlib
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_client.errors import InputError
from fer_training.detector.pictures import Faces, Picture

LONGEST_SIDE = 640
"""Larger pictures are shrunk to it: the network looks at pictures of 320 pixels, and faces come smaller, too."""

_UNSURE = 0.5
_TABLE = "faces.csv"
_WIDER_TABLE = "wider_face_split/wider_face_{}_bbx_gt.txt"
_LANDMARK_COLUMNS = ("right_eye", "left_eye", "nose", "right_mouth", "left_mouth")


def read_pictures(source: Path) -> Iterator[Picture]:
    """Yield the pictures of a folder that holds `faces.csv` and archives, or the official files of WIDER FACE.

    Raises InputError where it holds neither, or what it holds is damaged.
    """
    if (source / _TABLE).is_file():
        return _undamaged(source, _read_table(source))
    if (source / _WIDER_TABLE.format("train")).is_file():
        return _undamaged(source, _read_wider_face(source))
    raise InputError(
        f"Expected {_TABLE} with its archives of pictures, or {_WIDER_TABLE.format('train')} with WIDER_train/images, "
        f"in {source}. Name the folder that holds them."
    )


def _undamaged(source: Path, pictures: Iterator[Picture]) -> Iterator[Picture]:
    try:
        yield from pictures
    except (KeyError, ValueError, IndexError, tarfile.TarError) as error:
        reason = f"no column {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(
            f"Expected whole tables and archives of pictures in {source}, but one of them cannot be read ({reason}). "
            "Fetch them again."
        ) from error


def _read_table(source: Path) -> Iterator[Picture]:
    """Read a table of one row per face; `split` is `train` or `val`, a picture without a face has one empty row."""
    rows, splits = defaultdict(list), {}
    with (source / _TABLE).open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            splits[row["image"]] = row["split"]
            if row["x"]:
                rows[row["image"]].append(_table_row(row))
    for name, data in _archived(source):
        luma = None if name not in splits else _decoded(data)
        if luma is not None:
            faces = Faces.from_rows(np.array(rows[name], np.float32))
            yield _shrunk(Picture(luma, faces, splits[name] == "val"))


def _table_row(row: dict[str, str]) -> list[float]:
    places = [float(row[f"{name}_{axis}"] or "nan") for name in _LANDMARK_COLUMNS for axis in "xy"]
    return [*(float(row[name]) for name in ("x", "y", "w", "h")), *places, float(row["score"])]


def _archived(source: Path) -> Iterator[tuple[str, bytes]]:
    for archive in sorted(source.glob("*.tar")):
        with tarfile.open(archive) as members:
            for member in members:
                file = members.extractfile(member)
                if file is not None:
                    yield member.name, file.read()


def _read_wider_face(source: Path) -> Iterator[Picture]:
    """Read WIDER FACE (Yang et al. 2016, arXiv 1511.06523): its training pictures, and its validation ones if there."""
    for split in ("train", "val"):
        table = source / _WIDER_TABLE.format(split)
        if not table.is_file():
            continue
        for name, faces in wider_faces(table.read_text(encoding="utf-8").splitlines()):
            path = source / f"WIDER_{split}" / "images" / name
            luma = _decoded(path.read_bytes()) if path.is_file() else None
            if luma is not None:
                yield _shrunk(Picture(luma, faces, split == "val"))


def wider_faces(lines: Iterable[str]) -> Iterator[tuple[str, Faces]]:
    """Yield name and faces of each picture of a `..._bbx_gt.txt`; invalid, tiny and heavily covered faces are unsure.

    A line of a face is left, top, width, height, blur, expression, illumination, invalid, occlusion, pose. The files
    hold no landmarks: NaN.
    """
    remaining = iter(lines)
    for name in remaining:
        count = int(next(remaining, ""))
        # A picture without a face has one line of zeros nevertheless.
        found = [[float(value) for value in next(remaining, "").split()] for _ in range(max(count, 1))]
        table = np.array(found, np.float32)[:count]
        is_unsure = (table[:, 7] > 0) | (table[:, 8] > 1) | (table[:, 2:4].min(axis=1, initial=1e9) < 8)
        scores = np.where(is_unsure, _UNSURE, 1).astype(np.float32)
        yield name.strip(), Faces(table[:, :4], np.full((count, 5, 2), np.nan, np.float32), scores)


def _decoded(data: bytes) -> NDArray[np.uint8] | None:
    if not data:
        return None
    luma = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    return None if luma is None else np.asarray(luma, np.uint8)


def _shrunk(picture: Picture) -> Picture:
    height, width = picture.luma.shape
    factor = LONGEST_SIDE / max(height, width)
    if factor >= 1:
        return picture
    size = max(round(width * factor), 1), max(round(height * factor), 1)
    luma = np.asarray(cv2.resize(picture.luma, size, interpolation=cv2.INTER_AREA), np.uint8)
    faces = picture.faces
    smaller = Faces(faces.boxes * np.float32(factor), faces.landmarks * np.float32(factor), faces.scores)
    return Picture(luma, smaller, picture.is_validation)


def fingerprint(source: Path) -> str:
    """SHA-256 of the names and sizes of a source's files, by which a run tells whether its data is still the same."""
    files = sorted(path for path in source.rglob("*") if path.is_file())
    text = "\n".join(f"{path.relative_to(source)} {path.stat().st_size}" for path in files)
    return hashlib.sha256(text.encode()).hexdigest()

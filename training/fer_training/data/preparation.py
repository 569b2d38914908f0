"""Write what a reader yields as the record of `fer_training.data.dataset`, and count the faults met on the way."""

import hashlib
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_client.errors import InputError
from fer_training.data.dataset import SPLITS, copies_between_splits
from fer_training.files import file_sha256

SIDE = 48


@dataclass(frozen=True)
class Sample:
    """One image as a reader found it.

    `luma` is uint8 [H, W], or None where the image cannot be read. `label` counts in the source's labels, or is
    None where the source names none of them; such a sample is counted and left out. `reference` is the name of the
    sample that shows the same person neutral.
    """

    luma: NDArray[np.uint8] | None
    label: int | None
    split: str
    name: str
    votes: tuple[int, ...] | None = None
    valence_arousal: tuple[float, float] | None = None
    reference: str | None = None


@dataclass(frozen=True)
class Source:
    """What a reader gives: the class names, and the samples in a stable order; `notes` go into the record.

    `splits` are those that the official files have: none of them may come out empty. `published` is the number of
    images that the whole set has, None where it is not known.
    """

    name: str
    labels: tuple[str, ...]
    samples: Iterable[Sample]
    notes: tuple[str, ...] = ()
    splits: tuple[str, ...] = SPLITS
    published: int | None = None


@dataclass
class _Columns:
    """What stays in memory while the images stream to disk."""

    labels: list[int] = field(default_factory=list)
    splits: list[int] = field(default_factory=list)
    votes: list[tuple[int, ...] | None] = field(default_factory=list)
    valence_arousal: list[tuple[float, float] | None] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    references: list[str | None] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    constant: list[str] = field(default_factory=list)
    without_label: int = 0


def prepare(source: Source, out: Path, on_sample: Callable[[int], None] | None = None) -> dict[str, Any]:
    """Write the record into `out`, which must not exist yet, and return its description.

    `on_sample` hears the number of samples read so far. The folder appears only when it is whole.
    Raises InputError when `out` exists, most images cannot be read, or one of the source's splits is empty.
    """
    if out.exists():
        raise InputError(f"Expected a new folder to write, but {out} exists. Remove it or name another.")
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        description = _write(source, beside, on_sample)
        beside.chmod(0o755)
        beside.rename(out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return description


def _write(source: Source, folder: Path, on_sample: Callable[[int], None] | None) -> dict[str, Any]:
    raw = folder / "images.raw"
    with raw.open("wb") as file:
        columns = _stream(source, file, on_sample)
    _check(source, columns)
    _add_header(raw, folder / "images.npy", len(columns.labels))
    np.save(folder / "labels.npy", np.array(columns.labels, np.int16))
    np.save(folder / "split.npy", np.array(columns.splits, np.uint8))
    if any(row is not None for row in columns.votes):
        np.save(folder / "votes.npy", _filled(columns.votes, 10, 0, np.uint8))
    if any(row is not None for row in columns.valence_arousal):
        np.save(folder / "valence_arousal.npy", _filled(columns.valence_arousal, 2, np.nan, np.float32))
    if any(name is not None for name in columns.references):
        np.save(folder / "references.npy", _rows_of(columns.references, columns.names))
    description = _describe(source, columns, folder)
    (folder / "dataset.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    return description


def _stream(source: Source, file: BinaryIO, on_sample: Callable[[int], None] | None) -> _Columns:
    columns = _Columns()
    for count, sample in enumerate(source.samples, start=1):
        if on_sample is not None:
            on_sample(count)
        if sample.label is None:
            columns.without_label += 1
            continue
        if sample.luma is None:
            columns.unreadable.append(sample.name)
            continue
        if sample.luma.min() == sample.luma.max():
            columns.constant.append(sample.name)
        file.write(to_side(sample.luma).tobytes())
        columns.labels.append(sample.label)
        columns.splits.append(SPLITS.index(sample.split))
        columns.votes.append(sample.votes)
        columns.valence_arousal.append(sample.valence_arousal)
        columns.names.append(sample.name)
        columns.references.append(sample.reference)
    return columns


def _check(source: Source, columns: _Columns) -> None:
    """Refuse a source that lost most of its pictures or one of its splits."""
    lost, read = len(columns.unreadable), len(columns.labels)
    if lost > read:
        raise InputError(
            f"Expected pictures of {source.name} that can be read, but {lost} of {lost + read} cannot "
            f"({', '.join(columns.unreadable[:2])}, …). Get the missing or damaged files again."
        )
    empty = [split for split in source.splits if SPLITS.index(split) not in columns.splits]
    if empty:
        raise InputError(
            f"Expected images in {' and '.join(empty)} of {source.name}, but none is left there ({read} read, "
            f"{lost} unreadable, {columns.without_label} without a label). Get the missing files again, or give more."
        )


def only_labels(source: Source, labels: tuple[str, ...]) -> Source:
    """Keep the images of some classes alone, in the order given; the others count as without a label."""
    indices = {source.labels.index(name): index for index, name in enumerate(labels)}

    def narrowed() -> Iterator[Sample]:
        for sample in source.samples:
            yield replace(sample, label=None if sample.label is None else indices.get(sample.label))

    return replace(source, labels=labels, samples=narrowed())


def held_out(luma: NDArray[np.uint8], percent: int) -> bool:
    """Choose a fixed share of images by the SHA-256 of their pixels, so that copies stay on one side."""
    digest = hashlib.sha256(luma.tobytes()).digest()
    return int.from_bytes(digest[:8]) % 100 < percent


def read_luma(path: Path) -> NDArray[np.uint8] | None:
    """Read a picture file as luma uint8 [H, W]; None where it is missing, empty or damaged."""
    try:
        encoded = np.fromfile(path, np.uint8)
    except OSError:
        return None
    luma = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE) if encoded.size else None
    return None if luma is None else np.asarray(luma, np.uint8)


def to_side(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Resize uint8 [H, W] to the record's [48, 48]: area mean when shrinking, bilinear when growing."""
    if luma.shape == (SIDE, SIDE):
        return luma
    method = cv2.INTER_AREA if min(luma.shape) >= SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(luma, (SIDE, SIDE), interpolation=method), np.uint8)


def _add_header(raw: Path, npy: Path, count: int) -> None:
    """Turn the raw pixels into an .npy file without holding them in memory."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, SIDE, SIDE)}
    with npy.open("wb") as target, raw.open("rb") as pixels:
        np.lib.format.write_array_header_1_0(target, header)
        shutil.copyfileobj(pixels, target, 1 << 20)
    os.remove(raw)


def _rows_of(wanted: list[str | None], names: list[str]) -> NDArray[np.int64]:
    """Row of each wanted sample, int [N]; -1 for none, and for one that was left out."""
    rows = {name: row for row, name in enumerate(names)}
    return np.array([-1 if name is None else rows.get(name, -1) for name in wanted], np.int64)


def _filled(rows: list[Any], width: int, gap: float, dtype: Any) -> NDArray[Any]:
    return np.array([[gap] * width if row is None else row for row in rows], dtype)


def _describe(source: Source, columns: _Columns, folder: Path) -> dict[str, Any]:
    counts = Counter(zip(columns.splits, columns.labels, strict=True))
    return {
        "name": source.name,
        "labels": list(source.labels),
        "images": len(columns.labels),
        "counts": {
            split: {label: counts[code, index] for index, label in enumerate(source.labels)}
            for code, split in enumerate(SPLITS)
        },
        "unreadable": columns.unreadable,
        "constant": columns.constant,
        "without_label": columns.without_label,
        "notes": [*source.notes, *_other_number(source, columns)],
        **_checksums(folder),
        "copies": copies_between_splits(
            np.load(folder / "images.npy", mmap_mode="r"), np.array(columns.splits, np.uint8)
        ),
    }


def _other_number(source: Source, columns: _Columns) -> list[str]:
    given = len(columns.labels) + len(columns.unreadable) + columns.without_label
    if source.published in (None, given):
        return []
    return [f"Of {source.published:,} published images, {given:,} were given."]


def _checksums(folder: Path) -> dict[str, str]:
    """Name the images alone, and all arrays together as `sha256sum *.npy | sha256sum` does."""
    sums = {path.name: file_sha256(path) for path in sorted(folder.glob("*.npy"))}
    listed = "".join(f"{digest}  {name}\n" for name, digest in sums.items())
    return {"sha256": sums["images.npy"], "arrays_sha256": hashlib.sha256(listed.encode()).hexdigest()}

"""The one record on disk that every dataset becomes.

A folder with parallel arrays of N images and a description:

    images.npy              uint8 [N, 48, 48], luma
    labels.npy              int16 [N], index into the labels of dataset.json
    split.npy               uint8 [N], index into SPLITS
    votes.npy               uint8 [N, 10], FER+ votes in the order of VOTE_NAMES; only where the source has them
    valence_arousal.npy     float32 [N, 2] in [-1, 1], NaN where unknown; only where the source has them
    references.npy          int64 [N], row of the same person's neutral face, -1 where there is none; only where the
                            source has such pairs
    dataset.json            name, labels, counts per class and split, faults found, copies between the splits, and
                            the SHA-256 of images.npy and of all arrays

The arrays open as memory maps, so the set may be larger than the memory.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_client.errors import InputError

SPLITS = ("Training", "PublicTest", "PrivateTest")
"""FER2013's names: learn on the first, choose on the second, report the third once."""

VOTE_NAMES = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF",
)  # fmt: skip
"""Columns of FER+'s votes; `NF` means "not a face"."""

VOTES_OF_LABEL = {
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "sad": "sadness",
    "surprise": "surprise",
    "neutral": "neutral",
    "contempt": "contempt",
}

REQUIRED = ("name", "labels", "counts", "sha256")
"""What every dataset.json names; `arrays_sha256` and `copies` came later."""


@dataclass(frozen=True)
class Dataset:
    """Parallel arrays of one prepared set; see the module for shapes and ranges."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int16]
    split: NDArray[np.uint8]
    votes: NDArray[np.uint8] | None
    valence_arousal: NDArray[np.float32] | None
    description: Mapping[str, Any]
    references: NDArray[np.int64] | None = None

    @property
    def label_names(self) -> tuple[str, ...]:
        """Classes in the order of the network's outputs."""
        return tuple(self.description["labels"])

    def rows(self, split: str) -> NDArray[np.intp]:
        """Indices of the images of one split, ascending."""
        return np.flatnonzero(self.split == SPLITS.index(split))


def load_dataset(folder: Path) -> Dataset:
    """Open a prepared folder; the images stay on disk until they are used.

    Raises InputError when a file is missing, damaged or of another length than the rest, or the description has gaps.
    """
    try:
        description = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        arrays = {path.stem: np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.npy"))}
        dataset = Dataset(
            images=arrays["images"],
            labels=arrays["labels"],
            split=arrays["split"],
            votes=arrays.get("votes"),
            valence_arousal=arrays.get("valence_arousal"),
            description=description,
            references=arrays.get("references"),
        )
    except (OSError, KeyError, ValueError, EOFError) as error:
        raise InputError(
            f"Expected a folder that `fer-train prepare` wrote, but {folder} cannot be read as one ({error}). "
            "Prepare the data again."
        ) from error
    missing = [name for name in REQUIRED if not isinstance(description, dict) or name not in description]
    if missing:
        raise InputError(
            f"Expected {', '.join(REQUIRED)} in {folder / 'dataset.json'}, but {', '.join(missing)} is missing. "
            "Prepare the data again."
        )
    if len({len(array) for array in arrays.values()}) != 1:
        lengths = ", ".join(f"{name}.npy {len(array)}" for name, array in arrays.items())
        raise InputError(f"Expected arrays of one length in {folder}, got {lengths}. Prepare the data again.")
    return dataset


def vote_counts(votes: NDArray[np.uint8], label_names: Sequence[str]) -> NDArray[np.int64]:
    """FER+ votes for each class, int [N, K]."""
    columns = [VOTE_NAMES.index(VOTES_OF_LABEL[name]) for name in label_names]
    return np.asarray(votes[:, columns], np.int64)


def rows_of(dataset: Dataset, split: str) -> NDArray[np.intp]:
    """Indices of the images of one split; InputError where it has none."""
    rows = dataset.rows(split)
    if not len(rows):
        raise InputError(f"Expected images in the split {split}, but the data has none. Prepare it again.")
    return rows


def vote_targets(votes: NDArray[np.uint8], label_names: Sequence[str]) -> NDArray[np.float32]:
    """Shares of the FER+ votes for each class, float32 [N, K]; a row without any such vote is all zero."""
    counts = vote_counts(votes, label_names).astype(np.float32)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def majority_classes(votes: NDArray[np.uint8], label_names: Sequence[str]) -> NDArray[np.int64]:
    """Class that more than half of all voters chose, int [N]; -1 where none of the names has so many.

    Votes for classes outside the names, for "unknown" and for "not a face" count among all.
    """
    counts = vote_counts(votes, label_names)
    is_majority = 2 * counts.max(axis=1) > votes.sum(axis=1, dtype=np.int64)
    return np.where(is_majority, counts.argmax(axis=1), -1)


def voted_not_a_face(votes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Rows where "not a face" has more votes than any other column, bool [N]."""
    not_face = votes[:, VOTE_NAMES.index("NF")]
    return np.asarray(not_face > votes[:, : VOTE_NAMES.index("NF")].max(axis=1))


def seen_in_training(dataset: Dataset) -> NDArray[np.bool_]:
    """Images outside Training whose very pixels also stand in Training, bool [N]."""
    digests = _digests(dataset.images)
    training = dataset.split == SPLITS.index("Training")
    return np.asarray(~training & np.isin(digests, digests[training]))


def copies_between_splits(images: NDArray[np.uint8], split: NDArray[np.uint8]) -> dict[str, dict[str, int]]:
    """Count for each split the images whose very pixels also stand in each split before it."""
    digests = _digests(images)
    parts = {name: digests[split == code] for code, name in enumerate(SPLITS)}
    return {
        later: {earlier: int(np.isin(parts[later], parts[earlier]).sum()) for earlier in SPLITS[:code]}
        for code, later in enumerate(SPLITS)
        if code
    }


def _digests(images: NDArray[np.uint8]) -> NDArray[np.str_]:
    return np.array([hashlib.blake2b(image.tobytes(), digest_size=16).hexdigest() for image in images])

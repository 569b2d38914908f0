"""Folders as `fer-train prepare` writes them, of pictures that a test made."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np


def write_data(
    folder: Path, names: Sequence[str], learned: np.ndarray, judged: np.ndarray, labels: np.ndarray
) -> Path:
    """A prepared folder: pictures to calibrate on, and pictures with labels to judge by."""
    folder.mkdir()
    np.save(folder / "images.npy", np.concatenate([learned, judged]))
    np.save(
        folder / "labels.npy", np.concatenate([np.zeros(len(learned), np.int16), labels.astype(np.int16)])
    )
    np.save(folder / "split.npy", np.repeat(np.array([0, 1], np.uint8), [len(learned), len(judged)]))
    description = {"name": "drawn", "labels": list(names), "counts": {}, "sha256": ""}
    (folder / "dataset.json").write_text(json.dumps(description))
    return folder

"""Datasets that tests draw themselves, in the official layouts."""

import csv
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fer_client.contract import LABELS
from fer_training.data.dataset import VOTE_NAMES
from fer_training.recipes import Augmentation

Picture = np.ndarray[Any, np.dtype[np.uint8]]
Rows = list[tuple[int, Picture, str]]

KAGGLE = ("emotion", "pixels", "Usage")
LATER = ("emotion", " Usage", " pixels")
"""Both spellings of FER2013's columns."""

NOTHING = Augmentation(
    flip=False, rotate_deg=0, shift=0, scale=0, shear=0, contrast=0, brightness=0, erase=0, mixup=0, cutmix=0
)
"""An augmentation that changes nothing."""


def drawn_face(label: int, rng: np.random.Generator, side: int = 48) -> Picture:
    """A bar whose angle is the label's, on noise: easy to learn, different every time."""
    image = rng.integers(0, 60, (side, side)).astype(np.uint8)
    angle = np.pi * label / len(LABELS)
    middle, reach = side / 2 + rng.uniform(-2, 2, 2), 0.4 * side * np.array([np.cos(angle), np.sin(angle)])
    start, end = (tuple(int(value) for value in point) for point in (middle - reach, middle + reach))
    return np.asarray(cv2.line(image, start, end, 220, max(2, side // 10)), np.uint8)


def votes_for(label: int) -> tuple[int, ...]:
    """Eight voters agree with the label, two say neutral."""
    columns = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
    votes = [0] * len(VOTE_NAMES)
    votes[VOTE_NAMES.index(columns[label])] += 8
    votes[VOTE_NAMES.index("neutral")] += 2
    return tuple(votes)


def ballots(*pictures: dict[str, int]) -> Any:
    """Votes uint8 [N, 10] from the votes of each picture by name."""
    return np.array([[picture.get(name, 0) for name in VOTE_NAMES] for picture in pictures], np.uint8)


def write_fer2013(folder: Path, header: tuple[str, ...], rows: Rows, votes: bool) -> Path:
    """Write Kaggle's CSV with the given spelling of its columns, and FER+'s beside it."""
    with (folder / "fer2013.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for label, image, usage in rows:
            cells = {"emotion": label, "pixels": " ".join(map(str, image.ravel())), "Usage": usage}
            writer.writerow([f" {cells[name.strip()]}" if name[0] == " " else cells[name] for name in header])
    if votes:
        with (folder / "fer2013new.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("Usage", "Image name", *VOTE_NAMES))
            writer.writerows(
                (usage, f"fer{row:07d}.png", *votes_for(label)) for row, (label, _, usage) in enumerate(rows)
            )
    return folder / "fer2013.csv"

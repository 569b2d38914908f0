"""Sequences of frames in which a person's face goes from neutral to an expression: what CK+ and Oulu-CASIA have alike.

The first frame is neutral, and the reference of the last ones, which show the expression. All pictures of a person are
in one split, by the SHA-256 of the person's name.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_training.data.preparation import Sample

PEAK_FRAMES = 3
"""Last frames of a sequence that count as its expression, as is usual with both datasets."""

NOTE = (
    f"The last {PEAK_FRAMES} frames of a sequence show its expression, and its first frame is neutral and their "
    "reference. A tenth of the people are PublicTest, a tenth PrivateTest, by the SHA-256 of their names."
)


@dataclass(frozen=True)
class FrameSequence:
    """A person's frames in their order, two or more, and the expression at their end as an index."""

    frames: tuple[Path, ...]
    label: int
    person: str


def samples(
    root: Path,
    sequences: Iterable[FrameSequence],
    neutral: int,
    read: Callable[[Path], NDArray[np.uint8] | None],
) -> Iterator[Sample]:
    """Read first and last frames; samples are named by their paths below the root, `neutral` is an index."""
    for sequence in sequences:
        first, *others = sequence.frames
        reference, split = str(first.relative_to(root)), split_of(sequence.person)
        labelled = [(first, neutral), *((frame, sequence.label) for frame in others[-PEAK_FRAMES:])]
        for frame, label in labelled:
            yield Sample(read(frame), label, split, str(frame.relative_to(root)), reference=reference)


def split_of(person: str) -> str:
    """Split of all pictures of a person."""
    tenth = int.from_bytes(hashlib.sha256(person.encode()).digest()[:8]) % 10
    return {0: "PrivateTest", 1: "PublicTest"}.get(tenth, "Training")


def folders(place: Path) -> list[Path]:
    """Visible folders in a folder, by name."""
    return sorted(path for path in place.iterdir() if path.is_dir() and not path.name.startswith("."))


def pictures(place: Path) -> tuple[Path, ...]:
    """Visible picture files in a folder, by name."""
    kinds = {".png", ".jpeg", ".jpg", ".bmp"}
    found = (path for path in place.iterdir() if path.suffix.lower() in kinds)
    return tuple(sorted(path for path in found if not path.name.startswith(".")))

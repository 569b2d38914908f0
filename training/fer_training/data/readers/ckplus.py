"""CK+ (Lucey et al. 2010): `cohn-kanade-images/`, `Emotion/` and `Landmarks/`, each with `<person>/<sequence>/`.

A sequence has an expression where its folder in `Emotion/` holds a file; the others are left out. Faces are cut out by
their 68 landmarks.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_client.contract import LABELS
from fer_client.errors import InputError
from fer_training.data.preparation import Source, read_luma
from fer_training.data.readers.places import first_place
from fer_training.data.readers.sequences import NOTE, FrameSequence, folders, pictures, samples

CK_LABELS = (*LABELS, "contempt")
CODES = {1: "angry", 2: "contempt", 3: "disgust", 4: "fear", 5: "happy", 6: "sad", 7: "surprise"}
"""Expressions by code; 0 is neutral, which no labelled sequence ends in."""

PLACES = {
    "images": ["cohn-kanade-images", "extended-cohn-kanade-images/cohn-kanade-images"],
    "emotions": ["Emotion", "Emotion_labels/Emotion"],
    "landmarks": ["Landmarks", "Landmarks/Landmarks"],
}
CROP = 1.3
"""Side of the square crop, in larger sides of the box around the landmarks, which reach from the brows to the chin."""

RAISED = 0.08
"""How far the crop lies above the middle of that box, in its own sides: the forehead has no landmarks."""


def read_ckplus(root: Path) -> Source:
    """Read the labelled sequences; the classes are the contract's seven and contempt.

    Raises InputError where one of the three folders is missing, or an expression or landmarks cannot be read.
    """
    images, emotions, landmarks = (
        first_place(root, PLACES[part], f"the folder {PLACES[part][0]}", "CK+'s") for part in PLACES
    )
    # The archive of the landmarks holds a folder of its own name.
    landmarks = landmarks / "Landmarks" if (landmarks / "Landmarks").is_dir() else landmarks

    def read(frame: Path) -> NDArray[np.uint8] | None:
        points = landmarks / frame.relative_to(images).with_name(f"{frame.stem}_landmarks.txt")
        return _cut(read_luma(frame), _numbers(points, 2))

    found = samples(root, _sequences(images, emotions), CK_LABELS.index("neutral"), read)
    return Source("ckplus", CK_LABELS, found, (NOTE,))


def _sequences(images: Path, emotions: Path) -> Iterator[FrameSequence]:
    for person in folders(images):
        for sequence in folders(person):
            file = next((emotions / person.name / sequence.name).glob("*_emotion.txt"), None)
            frames = pictures(sequence)
            if file is not None and len(frames) > 1:
                yield FrameSequence(frames, _label(file), person.name)


def _label(file: Path) -> int:
    code = float(_numbers(file, 1)[0, 0])
    if code not in CODES:
        raise InputError(f"Expected an expression 1 to 7 in {file}, got {code:g}. Get the file again.")
    return CK_LABELS.index(CODES[int(code)])


def _numbers(file: Path, columns: int) -> NDArray[np.float64]:
    """Read a table of numbers, [rows, columns]."""
    try:
        rows = [line.split() for line in file.read_text(encoding="ascii").splitlines() if line.strip()]
        return np.array(rows, np.float64).reshape(max(len(rows), 1), columns)
    except (OSError, ValueError) as error:
        raise InputError(
            f"Expected numbers in {file}, but it cannot be read ({error}). Get it again."
        ) from error


def _cut(luma: NDArray[np.uint8] | None, landmarks_xy: NDArray[np.float64]) -> NDArray[np.uint8] | None:
    """Cut the square around the landmarks [68, 2] out, repeating the border of the picture."""
    if luma is None:
        return None
    low, high = landmarks_xy.min(axis=0), landmarks_xy.max(axis=0)
    side = round(CROP * float((high - low).max()))
    left, top = np.rint((low + high - side) / 2 - (0, RAISED * side)).astype(int)
    rows = np.clip(np.arange(top, top + side), 0, luma.shape[0] - 1)
    columns = np.clip(np.arange(left, left + side), 0, luma.shape[1] - 1)
    return np.asarray(luma[np.ix_(rows, columns)])

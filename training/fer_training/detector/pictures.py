"""Pictures with the boxes and landmarks of their faces, packed into one folder that loads by memory map."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_client.errors import InputError
from fer_training.files import replacing

SURE = 0.8
"""Faces of a lower score are neither faces nor background: nothing is learned from them, nothing measured."""

NETWORK = "face_detector"
"""Name of the network and of its files."""

_PIXELS, _TABLES = "pixels.npy", "faces.npz"


@dataclass(frozen=True)
class Faces:
    """The faces of one picture, in its pixels.

    `boxes`: float32 [N, 4], left, top, width and height. `landmarks`: float32 [N, 5, 2], as seen in the picture from
    left to right: two eyes, the tip of the nose, two corners of the mouth; NaN where they are not known. `scores`:
    float32 [N] in [0, 1], how sure it is that this is a face; see SURE.
    """

    boxes: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    scores: NDArray[np.float32]

    @classmethod
    def from_rows(cls, rows: NDArray[np.float32]) -> "Faces":
        """Read float32 [N, 15]: box, landmarks, score."""
        table = np.asarray(rows, np.float32).reshape(-1, 15)
        return cls(table[:, :4], table[:, 4:14].reshape(-1, 5, 2), table[:, 14])

    def as_rows(self) -> NDArray[np.float32]:
        """Give float32 [N, 15], as `from_rows` reads it."""
        flat = self.landmarks.reshape(-1, 10)
        return np.asarray(np.column_stack([self.boxes, flat, self.scores]), np.float32)

    def chosen(self, index: NDArray[np.generic]) -> "Faces":
        """Give some of the faces, by their numbers or a mask."""
        return Faces(self.boxes[index], self.landmarks[index], self.scores[index])


@dataclass(frozen=True)
class Picture:
    """A picture as a reader gives it: luma uint8 [H, W], its faces, and whether it is kept for validation."""

    luma: NDArray[np.uint8]
    faces: Faces
    is_validation: bool


@dataclass(frozen=True)
class FacePictures:
    """All pictures, their pixels still on disk.

    `pixels`: uint8 [all pixels], the pictures one after another. `places`: int64 [N, 3], each one's first pixel, width
    and height. `first_faces`: int64 [N + 1], where the faces of each begin among `rows`, float32 [F, 15].
    """

    pixels: NDArray[np.uint8]
    places: NDArray[np.int64]
    first_faces: NDArray[np.int64]
    rows: NDArray[np.float32]
    is_validation: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.places)

    def luma(self, number: int) -> NDArray[np.uint8]:
        """The picture, uint8 [H, W]."""
        first, width, height = (int(value) for value in self.places[number])
        return self.pixels[first : first + width * height].reshape(height, width)

    def faces(self, number: int) -> Faces:
        """The faces of the picture."""
        return Faces.from_rows(self.rows[self.first_faces[number] : self.first_faces[number + 1]])

    def pictures(self, is_validation: bool) -> Iterator[Picture]:
        """Yield the pictures to learn from, or those kept for validation."""
        for number in self.numbers(is_validation):
            yield Picture(self.luma(number), self.faces(number), is_validation)

    def numbers(self, is_validation: bool) -> NDArray[np.intp]:
        """Numbers of the pictures to learn from, or of those kept for validation."""
        return np.flatnonzero(self.is_validation == is_validation)


def pack(pictures: Iterable[Picture], folder: Path) -> None:
    """Write pictures into a folder; raises InputError where there are none."""
    kept = list(pictures)
    if not kept:
        raise InputError("Expected pictures of faces, but there are none that can be read.")
    folder.mkdir(parents=True, exist_ok=True)
    sizes = np.array([picture.luma.shape[::-1] for picture in kept], np.int64)
    counts = np.array([len(picture.faces.scores) for picture in kept], np.int64)
    areas = sizes.prod(axis=1)
    np.save(folder / _PIXELS, np.concatenate([picture.luma.ravel() for picture in kept]))
    with replacing(folder / _TABLES) as beside, beside.open("wb") as file:
        np.savez(
            file,
            places=np.column_stack([np.cumsum(areas) - areas, sizes]),
            first_faces=np.concatenate([[0], np.cumsum(counts)]),
            rows=np.concatenate([picture.faces.as_rows() for picture in kept]),
            is_validation=np.array([picture.is_validation for picture in kept]),
        )


def is_detector(weights: Path) -> bool:
    """Tell whether a file holds a detector's weights, by its name: training writes no other."""
    return weights.name.startswith(NETWORK)


def is_packed(folder: Path) -> bool:
    """Tell whether `pack` wrote the folder; the tables are its last file."""
    return (folder / _TABLES).is_file()


def load_pictures(folder: Path) -> FacePictures:
    """Open what `pack` wrote."""
    pixels = np.load(folder / _PIXELS, mmap_mode="r")
    with np.load(folder / _TABLES) as tables:
        return FacePictures(pixels, **tables)

"""Canvases to learn from: pictures scaled, turned, mirrored, cut and made worse, with the places of their faces.

The network sees the small copy of a frame, so pictures are shrunk by averaging, as that copy is.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_training.detector.pictures import SURE, FacePictures, Faces
from fer_training.detector.recipe import DetectorRecipe
from fer_training.detector.targets import cell_targets
from fer_training.detector.teacher import Teacher, taught_targets

Luma = NDArray[np.uint8]

_UNSURE = np.float32(0.5)
_MIRRORED = [1, 0, 2, 4, 3]
"""Landmarks are counted from the picture's left, so a mirrored face's change places."""

_LARGEST_FACTOR = 2.5
"""No picture is enlarged by more."""

_COVERED = 0.2
"""Chance that a part of a face is covered."""


class Canvases:
    """Draws canvases from the pictures to learn from, and from `crops`, faces without their surroundings.

    With a `teacher`, the targets are also what it answers on the canvas.
    """

    def __init__(
        self,
        pictures: FacePictures,
        recipe: DetectorRecipe,
        crops: FacePictures | None = None,
        teacher: Teacher | None = None,
    ) -> None:
        self._pictures = pictures
        self._recipe = recipe
        self._crops = crops
        self._teacher = teacher
        numbers = pictures.numbers(is_validation=False)
        has_sure = np.array([bool((pictures.faces(number).scores >= SURE).any()) for number in numbers])
        self._with_faces, self._without = numbers[has_sure], numbers[~has_sure]

    def batch(self, rng: np.random.Generator) -> tuple[Luma, NDArray[np.float32]]:
        """Canvases uint8 [B, side, side, 1] of one size, and their targets float32 [B, P, COLUMNS]."""
        recipe = self._recipe
        side = recipe.large_side if rng.random() < recipe.large_share else recipe.side
        drawn = [self.draw(side, rng) for _ in range(recipe.batch_size)]
        luma = np.stack([canvas for canvas, _ in drawn])[..., np.newaxis]
        return luma, np.stack([self._targets(canvas, faces) for canvas, faces in drawn])

    def _targets(self, canvas: Luma, faces: Faces) -> NDArray[np.float32]:
        if self._teacher is None:
            return cell_targets(faces, len(canvas))
        return taught_targets(faces, self._teacher.answers(canvas), len(canvas))

    def draw(self, side: int, rng: np.random.Generator) -> tuple[Luma, Faces]:
        """One canvas, uint8 [side, side], and its faces; those cut too far have a score below SURE."""
        canvas = np.empty((side, side), np.uint8)
        found = []
        for left, top, right, bottom in self._tiles(side, rng):
            tile, faces = self._tile(right - left, bottom - top, rng)
            canvas[top:bottom, left:right] = tile
            corner = np.array([left, top], np.float32)
            moved = np.column_stack([faces.boxes[:, :2] + corner, faces.boxes[:, 2:]])
            found.append(Faces(moved, faces.landmarks + corner, faces.scores))
        rows = np.concatenate([faces.as_rows() for faces in found])
        faces = Faces.from_rows(rows)
        return _worse(self._covered(canvas, faces, rng), rng), faces

    def _tiles(self, side: int, rng: np.random.Generator) -> list[tuple[int, int, int, int]]:
        if rng.random() >= self._recipe.mosaic:
            return [(0, 0, side, side)]
        across, down = (int(rng.uniform(0.3, 0.7) * side) for _ in range(2))
        columns, lines = [(0, across), (across, side)], [(0, down), (down, side)]
        return [(left, top, right, bottom) for left, right in columns for top, bottom in lines]

    def _tile(self, width: int, height: int, rng: np.random.Generator) -> tuple[Luma, Faces]:
        background = self._background(width, height, rng)
        source, number = self._drawn_picture(rng)
        if source is None:
            return background, Faces.from_rows(np.empty((0, 15), np.float32))
        luma, faces = source.luma(number), source.faces(number)
        factor, aim = self._aimed(faces, width, height, rng)
        return _placed(luma, faces, factor, aim, background, rng)

    def _drawn_picture(self, rng: np.random.Generator) -> tuple[FacePictures | None, int]:
        """A picture with a face, by where it is and its number; None where there is to be no face."""
        if rng.random() < self._recipe.empty:
            return None, 0
        if self._crops is not None and rng.random() < self._recipe.crops:
            return self._crops, int(rng.integers(len(self._crops)))
        if not len(self._with_faces):
            return None, 0
        return self._pictures, int(rng.choice(self._with_faces))

    def _background(self, width: int, height: int, rng: np.random.Generator) -> Luma:
        """A part of a picture without faces, or one gray: black is what the detector's input is padded with."""
        chance = rng.random()
        if chance < 0.2 or not len(self._without):
            return np.full((height, width), 0 if chance < 0.1 else rng.integers(256), np.uint8)
        luma = self._pictures.luma(int(rng.choice(self._without)))
        whole = min(luma.shape[1] / width, luma.shape[0] / height)
        share = whole * np.exp(rng.uniform(np.log(0.35), 0))
        across, down = max(int(width * share), 1), max(int(height * share), 1)
        left, top = (
            int(rng.integers(0, room + 1)) for room in (luma.shape[1] - across, luma.shape[0] - down)
        )
        part = luma[top : top + down, left : left + across]
        method = cv2.INTER_AREA if share > 1 else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(part, (width, height), interpolation=method), np.uint8)

    def _covered(self, canvas: Luma, faces: Faces, rng: np.random.Generator) -> Luma:
        """Cover a part of some faces, as hands and hair do, by gray or by a part of a picture without faces."""
        for box, score in zip(faces.boxes, faces.scores, strict=True):
            if score < SURE or rng.random() > _COVERED:
                continue
            sides = box[2:] * rng.uniform(0.2, 0.55, 2)
            left, top = np.maximum(box[:2] + rng.uniform(0, 1, 2) * (box[2:] - sides), 0).astype(int)
            part = canvas[top : top + int(sides[1]), left : left + int(sides[0])]
            if part.size:
                part[...] = self._background(part.shape[1], part.shape[0], rng)
        return canvas

    def _aimed(
        self, faces: Faces, width: int, height: int, rng: np.random.Generator
    ) -> tuple[float, NDArray[np.float64]]:
        """Choose a face and the factor that gives it the size drawn for it."""
        sure = np.flatnonzero(faces.scores >= SURE)
        box = faces.boxes[rng.choice(sure)]
        size = float(np.sqrt(box[2] * box[3]))
        smallest = self._recipe.smallest_face
        largest = max(smallest, min(0.9 * min(width, height), size * _LARGEST_FACTOR))
        wanted = np.exp(rng.uniform(np.log(smallest), np.log(largest)))
        return float(wanted / size), np.asarray(box[:2] + box[2:] / 2, np.float64)


def _placed(
    luma: Luma,
    faces: Faces,
    factor: float,
    aim: NDArray[np.float64],
    background: Luma,
    rng: np.random.Generator,
) -> tuple[Luma, Faces]:
    """Scale by `factor`, turn and mirror, and set the point `aim` somewhere on the background, a tile's."""
    size = background.shape[1], background.shape[0]
    shrunk = 1.0
    if factor < 0.7:
        shrunk = factor
        new = max(round(luma.shape[1] * factor), 1), max(round(luma.shape[0] * factor), 1)
        luma = np.asarray(cv2.resize(luma, new, interpolation=cv2.INTER_AREA), np.uint8)
    angle = np.deg2rad(rng.uniform(-50, 50) if rng.random() < 0.12 else 10 * np.clip(rng.normal(), -3, 3))
    stretch = np.exp(0.08 * rng.normal())
    is_mirrored = rng.random() < 0.5
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([-stretch if is_mirrored else stretch, 1 / stretch]) * factor
    place = rng.uniform(0.08, 0.92, 2) * size
    matrix = np.column_stack([linear / shrunk, place - linear @ aim])
    tile = cv2.warpAffine(
        luma, matrix, size, dst=background, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT
    )
    whole = np.column_stack([linear, place - linear @ aim])
    return np.asarray(tile, np.uint8), _moved(faces, whole, factor, stretch, is_mirrored, size)


def _moved(
    faces: Faces,
    matrix: NDArray[np.float64],
    factor: float,
    stretch: float,
    is_mirrored: bool,
    size: tuple[int, int],
) -> Faces:
    """Faces in the tile: a box keeps its shape around its moved centre, since a turned face's box stays upright."""
    linear, offset = matrix[:, :2], matrix[:, 2]
    centres = (faces.boxes[:, :2] + faces.boxes[:, 2:] / 2) @ linear.T + offset
    sides = faces.boxes[:, 2:] * factor * (stretch, 1 / stretch)
    landmarks = faces.landmarks @ linear.T + offset
    if is_mirrored:
        landmarks = landmarks[:, _MIRRORED]
    boxes = np.column_stack([centres - sides / 2, sides])
    visible = _visible(boxes, size)
    scores = np.where(visible >= 0.6, faces.scores, np.minimum(faces.scores, _UNSURE))
    moved = Faces(boxes.astype(np.float32), landmarks.astype(np.float32), scores.astype(np.float32))
    return moved.chosen(visible > 0.1)


def _visible(boxes: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    """Share of each box that lies in the tile."""
    inside = np.minimum(boxes[:, :2] + boxes[:, 2:], size) - np.maximum(boxes[:, :2], 0)
    return np.asarray(inside.clip(min=0).prod(axis=1) / np.maximum(boxes[:, 2:].prod(axis=1), 1e-6))


def _worse(canvas: Luma, rng: np.random.Generator) -> Luma:
    """Do what light, cameras and codecs do, each by a chance of its own."""
    out = canvas
    for chance, change in _CHANGES:
        if rng.random() < chance:
            out = change(out, rng)
    return out


def _toned(canvas: Luma, rng: np.random.Generator) -> Luma:
    """Change gain, offset and gamma by one table."""
    levels = np.linspace(0, 1, 256) ** np.exp(rng.uniform(-0.7, 0.7))
    gain, offset = np.exp(rng.uniform(-0.9, 0.4)), rng.uniform(-0.2, 0.2)
    table = np.clip(255 * ((levels - 0.5) * gain + 0.5 + offset), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(canvas, table), np.uint8)


def _darkened(canvas: Luma, rng: np.random.Generator) -> Luma:
    table = np.rint(np.arange(256) * rng.uniform(0.08, 0.5)).astype(np.uint8)
    return np.asarray(cv2.LUT(canvas, table), np.uint8)


def _shaded(canvas: Luma, rng: np.random.Generator) -> Luma:
    """Light from one side."""
    ramp = np.linspace(rng.uniform(0.3, 1), rng.uniform(0.6, 1.2), canvas.shape[1], dtype=np.float32)
    shade = ramp if rng.random() < 0.5 else ramp[::-1]
    shaded = canvas * (shade if rng.random() < 0.5 else shade[:, np.newaxis])
    return np.clip(shaded, 0, 255).astype(np.uint8)


def _smeared(canvas: Luma, rng: np.random.Generator) -> Luma:
    length = int(rng.integers(2, 6))
    kernel = (length, 1) if rng.random() < 0.5 else (1, length)
    return np.asarray(cv2.blur(canvas, kernel), np.uint8)


def _softened(canvas: Luma, rng: np.random.Generator) -> Luma:
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.4, 1.5)), np.uint8)


def _grained(canvas: Luma, rng: np.random.Generator) -> Luma:
    grain = rng.normal(0, rng.uniform(2, 16), canvas.shape)
    return np.clip(canvas + grain, 0, 255).astype(np.uint8)


def _compressed(canvas: Luma, rng: np.random.Generator) -> Luma:
    quality = int(rng.integers(12, 70))
    _, coded = cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)


_CHANGES: tuple[tuple[float, Callable[[Luma, np.random.Generator], Luma]], ...] = (
    (0.5, _toned),
    (0.1, _shaded),
    (0.15, _darkened),
    (0.1, _smeared),
    (0.15, _softened),
    (0.15, _grained),
    (0.2, _compressed),
)

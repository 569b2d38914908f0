"""Canvases: the same for the same seed, faces where the annotations say."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_training.detector.canvases import Canvases
from fer_training.detector.pictures import SURE, FacePictures, Faces, Picture, load_pictures, pack
from fer_training.detector.recipe import DetectorRecipe
from fer_training.detector.targets import SCORE, cell_places

DOT = 255


def dotted(seed: int) -> Picture:
    """A gray picture with a face of five bright dots at its landmarks, on a dark square."""
    rng = np.random.default_rng(seed)
    luma = np.full((160, 200), 128, np.uint8)
    x, y, side = int(rng.integers(20, 90)), int(rng.integers(20, 60)), 60
    luma[y : y + side, x : x + side] = 20
    shares = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
    points = shares * side + (x, y)
    for point in points.astype(int):
        cv2.circle(luma, tuple(point.tolist()), 4, DOT, -1)
    row = np.concatenate([[x, y, side, side], points.ravel(), [0.95]]).astype(np.float32)
    return Picture(luma, Faces.from_rows(row), is_validation=False)


@pytest.fixture
def pictures(tmp_path: Path) -> FacePictures:
    empty = Picture(np.full((120, 120), 100, np.uint8), Faces.from_rows(np.empty((0, 15), np.float32)), False)
    pack([*(dotted(seed) for seed in range(6)), empty], tmp_path)
    return load_pictures(tmp_path)


def test_a_seed_gives_the_same_batch(pictures: FacePictures) -> None:
    recipe = DetectorRecipe(batch_size=3, side=96, large_share=0)
    first, second = (Canvases(pictures, recipe).batch(np.random.default_rng(5)) for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))
    assert first[0].shape == (3, 96, 96, 1)


def test_landmarks_stay_on_their_dots(pictures: FacePictures, monkeypatch: pytest.MonkeyPatch) -> None:
    # Light and codecs change the dots' gray, not their place.
    monkeypatch.setattr("fer_training.detector.canvases._CHANGES", ())
    monkeypatch.setattr(
        "fer_training.detector.canvases.Canvases._covered", lambda _, canvas, *_others: canvas
    )
    canvases = Canvases(pictures, DetectorRecipe(empty=0, smallest_face=30))
    on_dots, eyes_in_order = [], []
    for seed in range(30):
        canvas, faces = canvases.draw(192, np.random.default_rng(seed))
        for points in faces.landmarks[faces.scores >= SURE]:
            inside = points[((points > 2) & (points < 189)).all(axis=1)].round().astype(int)
            on_dots += [int(canvas[y - 1 : y + 2, x - 1 : x + 2].max()) for x, y in inside]
            eyes_in_order.append(points[0, 0] < points[1, 0])
    assert len(on_dots) > 50
    assert np.mean(np.array(on_dots) > 180) > 0.95
    assert all(eyes_in_order)


def test_pictures_without_background_still_serve(tmp_path: Path) -> None:
    pack([dotted(0)], tmp_path)
    luma, targets = Canvases(load_pictures(tmp_path), DetectorRecipe(batch_size=2)).batch(
        np.random.default_rng(0)
    )
    assert luma.dtype == np.uint8
    assert np.isfinite(targets).all()


class AllSeeing:
    """A teacher that gives every cell one score."""

    def answers(self, luma: np.ndarray) -> np.ndarray:
        answers = np.zeros((len(cell_places(*luma.shape)[1]), 15), np.float32)
        answers[:, 0] = 0.25
        return answers


def test_the_teacher_is_asked_of_each_canvas(pictures: FacePictures) -> None:
    recipe = DetectorRecipe(batch_size=2, side=96, large_share=0, empty=1)
    _, targets = Canvases(pictures, recipe, teacher=AllSeeing()).batch(np.random.default_rng(0))  # type: ignore[arg-type]
    assert (targets[..., SCORE] == 0.25).all()


def test_crops_are_set_into_pictures_without_faces(tmp_path: Path) -> None:
    empty = Picture(np.full((120, 120), 100, np.uint8), Faces.from_rows(np.empty((0, 15), np.float32)), False)
    pack([empty], tmp_path / "empty")
    pack([dotted(0)], tmp_path / "crops")
    recipe = DetectorRecipe(crops=1, empty=0, mosaic=0)
    canvases = Canvases(load_pictures(tmp_path / "empty"), recipe, crops=load_pictures(tmp_path / "crops"))
    drawn = [canvases.draw(96, np.random.default_rng(seed))[1] for seed in range(8)]
    assert all(len(faces.scores) for faces in drawn)


def test_sizes_of_small_pictures_are_even_too(pictures: FacePictures) -> None:
    """Those that would need more enlargement than is allowed do not heap up at the largest size."""
    canvases = Canvases(pictures, DetectorRecipe(empty=0, mosaic=0))
    faces = [canvases.draw(600, np.random.default_rng(seed))[1] for seed in range(60)]
    sides = np.concatenate([np.sqrt(one.boxes[:, 2:].prod(axis=1)) for one in faces])
    assert np.mean(sides > 0.99 * 2.5 * 60) < 0.1

"""The picture of a comparison: its size, and colours where they belong."""

from pathlib import Path

import numpy as np
import pytest

from fer_client.comparison.comparison import Comparison, compare
from fer_client.comparison.picture import write_picture
from fer_client.comparison.sides import read_side
from fer_client.palette import colours, rgb
from support.made_results import LABELS, made_frame, sure_of, write_result

pytest.importorskip("matplotlib")
cv2 = pytest.importorskip("cv2")


def comparison_of(tmp_path: Path, name: str) -> Comparison:
    sides = []
    for folder, label in (("a", "happy"), ("b", "sad")):
        frames = [made_frame(place, place / 10, {1: sure_of(label)}) for place in range(200)]
        write_result(tmp_path / folder, frames, name=f"{folder}{name}")
        sides.append(read_side(str(tmp_path / folder), tmp_path))
    return compare(*sides)


def drawn(comparison: Comparison, path: Path, offset_s: float = 0.0) -> np.ndarray:
    write_picture(comparison, path, offset_s)
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def columns_with(picture: np.ndarray, label: str, rows: slice) -> np.ndarray:
    """Where an expression fills most of a timeline's height."""
    colour = rgb(colours([*LABELS, "uncertain"])[label])
    return np.flatnonzero((picture[rows] == colour).all(axis=2).sum(axis=0) > 40)


@pytest.mark.parametrize("name", [".mp4", " $x^2$ <b> " + "long " * 60, " 日本語.mp4"])
def test_any_name_fits(tmp_path: Path, name: str) -> None:
    picture = drawn(comparison_of(tmp_path, name), tmp_path / "comparison.png")
    assert picture.shape[1] == 1650
    assert (picture[:, :8] == 255).all()
    assert (picture[:, -4:] == 255).all()


def test_an_offset_moves_b_alone(tmp_path: Path) -> None:
    comparison = comparison_of(tmp_path, ".mp4")
    plain, moved = (drawn(comparison, tmp_path / "comparison.png", offset) for offset in (0.0, 20.0))
    top = slice(0, plain.shape[0] // 2)
    for label, share_of_width in (("happy", (0, 0.5)), ("sad", (0.5, 1))):
        before, after = (columns_with(picture, label, top) for picture in (plain, moved))
        left, width = before[0], before[-1] - before[0]
        assert (after[0] - left) / width == pytest.approx(share_of_width[0], abs=0.03)
        assert (after[-1] - left) / width == pytest.approx(share_of_width[1], abs=0.03)

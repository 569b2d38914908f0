"""Boxes lie around faces, plates beside them, in the picture, and where they hide no neighbour."""

import numpy as np
import pytest

from fer_client.palette import rgb
from fer_client.visuals.canvas import Area, Canvas
from fer_client.visuals.marks import Mark, Marker
from fer_client.visuals.plates import Plate, render

COLOUR = "#E69F00"


def mark(number: int, area: Area) -> Mark:
    return Mark(number, area, (f"{number} happy 90 %",), 0.9, COLOUR)


def drawn(marks: list[Mark], size_wh: tuple[int, int] = (640, 360), value: int = 40) -> np.ndarray:
    picture = np.full((size_wh[1], size_wh[0], 3), value, np.uint8)
    Marker(size_wh).draw(Canvas.of_bgr(picture), marks)
    return picture[..., ::-1]


@pytest.mark.parametrize("value", [0, 255])
def test_a_box_has_its_colour_and_a_dark_edge_around_the_face(value: int) -> None:
    face = Area(200, 100, 300, 220)
    picture = drawn([mark(1, face)], value=value)
    assert (picture[105:215, 205:295] == value).all()
    column = picture[160, :200]
    assert (column == rgb(COLOUR)).all(axis=1).any()
    assert (column[-1] < 130).all()
    assert (column[:150] == value).all()


@pytest.mark.parametrize(
    "face",
    [Area(-20, -30, 90, 80), Area(560, 300, 660, 380), Area(0, 0, 640, 360), Area(300, 5, 400, 120)],
)
def test_the_whole_plate_stays_in_the_picture(face: Area) -> None:
    size = 640, 360
    marker = Marker(size)
    plate = render(Plate(("1 happy 90 %",), 0.9, COLOUR, marker._capital))
    height, width = plate.opacity.shape
    area = marker._place(mark(1, face), (width, height), [])
    assert area.left >= 0
    assert area.top >= 0
    assert area.right <= 640
    assert area.bottom <= 360
    assert (area.right - area.left, area.bottom - area.top) == (width, height)


def test_a_plate_goes_below_where_a_neighbour_is_above() -> None:
    marker = Marker((640, 360))
    face, above = Area(200, 150, 280, 240), Area(190, 50, 290, 148)
    assert marker._place(mark(1, face), (90, 30), []).bottom <= face.top
    assert Marker((640, 360))._place(mark(1, face), (90, 30), [above]).top >= face.bottom


def test_a_plate_does_not_jump_for_a_little_overlap() -> None:
    marker = Marker((640, 360))
    face = Area(200, 150, 280, 240)
    first = marker._place(mark(1, face), (90, 30), [])
    near = Area(first.left, first.top - 40, first.right, first.top + 3)
    assert marker._place(mark(1, face), (90, 30), [near]) == first
    covered = Area(first.left, first.top - 40, first.right, first.bottom)
    assert marker._place(mark(1, face), (90, 30), [covered]) != first

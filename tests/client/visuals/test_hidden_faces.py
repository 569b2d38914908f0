"""What is to be hidden: more than was seen, between sightings, before and after, and not beyond a cut."""

import numpy as np
import pytest

from fer_client.media.frame import Frame
from fer_client.media.images import picture_frame
from fer_client.visuals.hidden_faces import HOLD_S, Boxes, HiddenFaces, find_hidden_faces
from support.videos import empty_frame, face_frame
from support.visuals import Row, faces


def find(
    rows: list[Row], seen: dict[int, list[list[float]]], pictures: list[np.ndarray] | None = None
) -> HiddenFaces:
    pictures = pictures or [face_frame()] * 75
    shown = (picture_frame(index, index / 25, picture) for index, picture in enumerate(pictures))

    def detect(frame: Frame) -> Boxes:
        return np.array(seen.get(frame.index, []), np.float32).reshape(-1, 4)

    return find_hidden_faces(shown, detect, faces(rows), workers=2)


def lefts(found: HiddenFaces, index: int) -> list[float]:
    return found.of(index)[:, 0].tolist()


def test_a_lost_face_is_hidden_between_two_sightings() -> None:
    found = find([(10, 1, (100, 50, 80, 90)), (50, 1, (180, 50, 80, 90))], {})
    assert lefts(found, 30) == pytest.approx([140])
    assert lefts(found, 10) == [100]
    assert lefts(found, 50) == [180]


def test_it_is_hidden_a_little_before_and_after() -> None:
    found = find([(30, 1, (100, 50, 80, 90))], {})
    held = round(25 * HOLD_S)
    assert [index for index in range(75) if lefts(found, index)] == list(range(30 - held, 30 + held + 1))


def test_nothing_is_held_beyond_a_cut() -> None:
    pictures = [face_frame()] * 20 + [empty_frame()] * 20 + [face_frame()] * 20
    found = find([(19, 1, (100, 50, 80, 90)), (40, 1, (100, 50, 80, 90))], {}, pictures)
    assert [index for index in range(60) if lefts(found, index)] == [*range(9, 20), *range(40, 51)]


def test_what_the_table_lacks_is_joined_by_overlap() -> None:
    seen = {10: [[100, 50, 80, 90]], 20: [[110, 50, 80, 90]], 40: [[300, 50, 80, 90]]}
    found = find([], seen)
    assert lefts(found, 15) == [105]
    assert lefts(found, 5) == [100]
    assert lefts(found, 40) == [300]
    assert lefts(found, 39) == lefts(found, 41) == []  # seen once: it may be no face


def test_two_faces_stay_two() -> None:
    seen = {index: [[100 + index, 50, 80, 90], [400 - index, 50, 80, 90]] for index in range(0, 40, 2)}
    found = find([], seen)
    assert sorted(lefts(found, 21)) == [121, 379]


def test_a_video_without_faces_hides_nothing() -> None:
    assert find([], {}).of(3).shape == (0, 4)

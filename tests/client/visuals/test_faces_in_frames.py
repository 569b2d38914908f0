"""Frames between two that were analysed have faces too: boxes move on evenly, and none stays beyond a cut."""

import numpy as np

from fer_client.media.frame import Frame
from fer_client.media.images import picture_frame
from fer_client.visuals.faces_in_frames import FacesInFrames
from support.videos import empty_frame, face_frame
from support.visuals import result


def frames(*pictures: np.ndarray) -> list[Frame]:
    return [picture_frame(index, index / 25, picture) for index, picture in enumerate(pictures)]


def lefts(found: FacesInFrames, shown: list[Frame]) -> list[list[float]]:
    return [found.of(frame)[1][:, 0].tolist() for frame in shown]


def test_boxes_move_evenly_between_analysed_frames() -> None:
    rows = [(0, 1, (100, 50, 80, 90)), (4, 1, (120, 50, 80, 90))]
    shown = frames(*[face_frame()] * 6)
    assert lefts(FacesInFrames(result(rows, [0, 4])), shown) == [[100], [105], [110], [115], [120], [120]]


def test_a_face_that_is_gone_stays_until_the_next_analysis() -> None:
    rows = [(0, 1, (100, 50, 80, 90)), (2, 2, (10, 50, 80, 90))]
    shown = frames(*[face_frame()] * 4)
    assert lefts(FacesInFrames(result(rows, [0, 2])), shown) == [[100], [100], [10], [10]]


def test_a_face_that_an_analysed_frame_lacks_is_not_shown_there() -> None:
    rows = [(0, 1, (100, 50, 80, 90)), (2, 1, (104, 50, 80, 90))]
    shown = frames(*[face_frame()] * 3)
    assert lefts(FacesInFrames(result(rows, [0, 1, 2])), shown) == [[100], [], [104]]


def test_beyond_a_cut_the_next_analysis_holds() -> None:
    rows = [(0, 1, (100, 50, 80, 90)), (4, 1, (110, 50, 80, 90))]
    shown = frames(face_frame(), face_frame(), empty_frame(), empty_frame(), empty_frame(), face_frame())
    found = FacesInFrames(result(rows, [0, 4]))
    assert lefts(found, shown) == [[100], [102.5], [110], [110], [110], []]

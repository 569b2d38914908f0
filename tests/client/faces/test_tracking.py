"""Who is who: by position, by motion, by appearance, and across cuts."""

import numpy as np
import pytest

from fer_client.faces.alignment import FaceCrops
from fer_client.faces.tracking import Tracker, appearance_embeddings

PEOPLE = appearance_embeddings(np.random.default_rng(1).integers(0, 255, (4, 8, 8, 1), np.uint8))
"""Embeddings of four people who are nothing alike."""


def at(*lefts: float) -> np.ndarray:
    return np.array([(left, 0, 50, 50) for left in lefts], np.float32).reshape(-1, 4)


def test_similarity_is_one_for_the_same_face_in_another_light() -> None:
    face = np.random.default_rng(2).integers(0, 100, (1, 8, 8, 3), np.uint8).repeat(12, 1).repeat(12, 2)
    same, other = (
        appearance_embeddings(np.concatenate([face, 2 * face + 10])),
        appearance_embeddings(face[:, ::-1]),
    )
    assert same.shape == (2, 192)
    assert float(same[0] @ same[1]) == pytest.approx(1, abs=0.01)
    assert float(same[0] @ other[0]) < 0.5
    assert appearance_embeddings(np.empty((0, 96, 96, 1), np.uint8)).shape == (0, 64)


def test_faces_keep_their_numbers_when_their_order_changes() -> None:
    tracker = Tracker()
    assert tracker.update(at(0, 100), PEOPLE[:2], 0.0) == [1, 2]
    assert tracker.update(at(104, 4), PEOPLE[[1, 0]], 0.1) == [2, 1]


def test_an_unsure_box_goes_on_and_does_not_begin() -> None:
    tracker = Tracker()
    assert tracker.update(at(0, 200), PEOPLE[:2], 0.0, may_begin=[True, False]) == [1, None]
    assert tracker.update(at(2, 200), PEOPLE[:2], 0.1, may_begin=[False, False]) == [1, None]
    assert tracker.update(at(2, 200), PEOPLE[:2], 0.2, may_begin=[False, True]) == [1, 2]


def test_an_unsure_box_is_not_known_again_elsewhere() -> None:
    tracker = Tracker()
    assert tracker.update(at(0), PEOPLE[:1], 0.0, may_begin=[True]) == [1]
    assert tracker.update(at(400), PEOPLE[:1], 0.5, starts_shot=True, may_begin=[False]) == [None]
    assert tracker.update(at(400), PEOPLE[:1], 0.6, may_begin=[True]) == [1]


@pytest.mark.parametrize(("first_score", "numbers"), [(0.7, [1, 1]), (0.95, [None, 1])])
def test_between_detections_faces_are_sure(first_score: float, numbers: list[int | None]) -> None:
    tracker = Tracker(first_score)
    crops = np.random.default_rng(3).integers(0, 255, (1, 16, 16, 1), np.uint8)
    boxes = at(0).astype(np.int32)
    found = [
        tracker.follow(FaceCrops(frame, frame / 25, boxes, np.array([score], np.float32), crops))
        for frame, score in enumerate([np.nan, 0.96])
    ]
    assert [number for one in found for number in one] == numbers


def test_an_outage_is_no_rare_frame() -> None:
    tracker = Tracker()
    for step in range(10):
        tracker.update(at(0), PEOPLE[:1], step / 25)
    stranger = 0.5 * PEOPLE[:1] + PEOPLE[1:2]
    assert tracker.update(at(0), stranger / np.linalg.norm(stranger), 9.4) == [2]


def test_two_boxes_never_share_a_number() -> None:
    tracker = Tracker()
    tracker.update(at(0), PEOPLE[:1], 0.0)
    assert sorted(tracker.update(at(1, 3), PEOPLE[[0, 0]], 0.1)) == [1, 2]


def test_a_short_absence_keeps_the_number_whatever_the_face_looks_like_now() -> None:
    turned = appearance_embeddings(np.full((1, 8, 8, 1), 9, np.uint8)) + 0.5 * PEOPLE[:1]
    tracker = Tracker()
    tracker.update(at(0), PEOPLE[:1], 0.0)
    assert tracker.update(at(), PEOPLE[:0], 0.5) == []
    assert tracker.update(at(0), turned, 0.9) == [1]
    assert tracker.update(at(0), PEOPLE[1:2], 2.5) == [2]


@pytest.mark.parametrize("step_s", [1.001, 2.0, 9.9])
def test_frames_far_apart_are_no_absence(step_s: float) -> None:
    looks = appearance_embeddings(np.random.default_rng(5).integers(0, 255, (9, 8, 8, 1), np.uint8))
    tracker = Tracker()
    for step, look in enumerate(looks):
        face = PEOPLE[:1] + 0.9 * look
        assert tracker.update(at(0), face / np.linalg.norm(face), step * step_s) == [1]


def test_frames_very_far_apart_go_by_appearance() -> None:
    tracker = Tracker()
    tracker.update(at(0), PEOPLE[:1], 0.0)
    assert tracker.update(at(0), PEOPLE[:1], 60.0) == [1]
    assert tracker.update(at(0), 0.5 * PEOPLE[:1] + PEOPLE[1:2], 120.0) == [2]


def test_a_face_in_motion_is_found_where_it_comes_out_again() -> None:
    tracker = Tracker()
    for step in range(10):
        tracker.update(at(10.0 * step), PEOPLE[:1], step / 25)
    faint = 0.4 * PEOPLE[:1]
    assert tracker.update(at(10.0 * 19), faint, 19 / 25) == [1]


def test_people_who_cross_keep_their_numbers() -> None:
    tracker = Tracker()
    for step in range(41):
        left, right = 10.0 * step, 400 - 10.0 * step
        hidden = abs(left - right) < 45
        seen = at(left) if hidden else at(left, right)
        numbers = tracker.update(seen, PEOPLE[: len(seen)], step / 25)
        assert numbers == ([1] if hidden else [1, 2])


def test_a_stranger_at_the_same_place_gets_another_number() -> None:
    tracker = Tracker()
    tracker.update(at(0), PEOPLE[:1], 0.0)
    assert tracker.update(at(0), PEOPLE[1:2], 0.04) == [2]


def test_a_cut_ends_what_positions_say_and_a_known_appearance_bridges_it() -> None:
    alike = 0.7 * PEOPLE[:1] + 0.7 * PEOPLE[1:2]
    tracker = Tracker()
    tracker.update(at(0), PEOPLE[:1], 0.0)
    assert tracker.update(at(0), alike, 0.04, starts_shot=True) == [2]
    assert tracker.update(at(300), PEOPLE[:1], 2.0, starts_shot=True) == [1]


def test_appearances_are_forgotten() -> None:
    tracker = Tracker()
    tracker.update(at(0), PEOPLE[:1], 0.0)
    assert tracker.update(at(200), PEOPLE[:1], 9.0) == [1]
    assert tracker.update(at(), PEOPLE[:0], 10.0) == []
    assert tracker.update(at(0), PEOPLE[:1], 20.0) == [2]

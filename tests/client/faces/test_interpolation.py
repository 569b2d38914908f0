"""Faces between two detections."""

import numpy as np

from fer_client.faces.detection import Faces
from fer_client.faces.interpolation import interpolate, match_faces
from support.faces import faces


def lefts(found: list[Faces]) -> list[list[float]]:
    return [np.round(one.boxes_xywh[:, 0], 3).tolist() for one in found]


class World:
    """Faces by frame, and which frames were looked at."""

    def __init__(self, *frames: Faces) -> None:
        self.frames = frames
        self.looked: list[int] = []

    def look(self, index: int) -> Faces:
        self.looked.append(index)
        return self.frames[index]

    def fill(self, times_s: list[float] | None = None) -> list[Faces]:
        times_s = times_s or [index / 25 for index in range(len(self.frames))]
        return interpolate((self.frames[0], self.frames[-1]), times_s, self.look)


class TestFill:
    def test_slow_faces_lie_on_a_line_in_time_and_nobody_looks(self) -> None:
        world = World(faces(0, 100), *[faces()] * 3, faces(104, 4))
        found = world.fill([0.0, 0.1, 0.2, 0.2, 0.4])
        assert lefts(found) == [[0, 100], [1, 101], [2, 102], [2, 102], [104, 4]]
        assert found[2].landmarks_xy[:, 0, 0].tolist() == [2, 102]
        assert world.looked == []
        assert np.isnan(found[2].scores).all()
        assert not np.isnan(found[4].scores).any()

    def test_a_face_comes_at_the_very_frame(self) -> None:
        world = World(*[faces()] * 11, *[faces(50)] * 6)
        assert [len(one.scores) for one in world.fill()] == [0] * 11 + [1] * 6
        assert len(world.looked) <= 5

    def test_motion_and_doubt_are_looked_at(self) -> None:
        fast = World(*(faces(8.0 * index) for index in range(9)))
        assert lefts(fast.fill()) == [[8.0 * index] for index in range(9)]
        assert sorted(fast.looked) == [*range(1, 8)]
        unsure = World(*[faces(0, score=0.75)] * 5)
        unsure.fill()
        assert sorted(unsure.looked) == [1, 2, 3]

    def test_scores_that_a_detector_does_not_give_count_as_sure(self) -> None:
        assert match_faces(faces(0, score=np.nan), faces(1, score=np.nan)) is not None

    def test_one_face_is_not_two(self) -> None:
        assert match_faces(faces(0, 2), faces(1, 90)) is None

    def test_times_that_do_not_rise(self) -> None:
        world = World(faces(0), faces(), faces(), faces(3))
        assert lefts(world.fill([0.0, 0.2, 0.1, 0.0])) == [[0], [1], [2], [3]]

"""Faces between two detections, cuts, and segments."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import av
import numpy as np
import pytest

from fer_client.faces.alignment import cut_out
from fer_client.faces.detection import Faces
from fer_client.faces.interpolation import interpolate, match_faces
from fer_client.faces.keyframes import Segment, detect_key_frames, interpolate_and_crop, intervals, segments
from fer_client.faces.shots import is_cut, thumbnail
from fer_client.media.video import Frame, Orientation
from fer_client.pipeline.concurrency import ordered_map

SCENES = np.random.default_rng(3).integers(0, 255, (3, 9, 16), np.uint8).repeat(20, 1).repeat(20, 2)
"""Pictures of three shots, uint8 [180, 320], that share nothing."""


def faces(*lefts: float, score: float = 0.95) -> Faces:
    boxes = np.array([(left, 10, 40, 40) for left in lefts], np.float32).reshape(-1, 4)
    landmarks = np.repeat(boxes[:, None, :2], 5, axis=1)
    return Faces(boxes, np.full(len(lefts), score, np.float32), landmarks)


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


class TestCuts:
    def test_another_picture_is_a_cut_and_a_pan_is_none(self) -> None:
        first, second = thumbnail(SCENES[0]), thumbnail(SCENES[1])
        assert is_cut(first, second)
        assert not is_cut(first, thumbnail(np.roll(SCENES[0], 6, axis=1)))

    def test_light_is_no_cut(self) -> None:
        assert not is_cut(thumbnail(SCENES[0] // 2), thumbnail(SCENES[0] // 2 + 100))

    def test_the_noise_of_black_frames_is_no_cut_and_black_after_a_picture_is(self) -> None:
        noise = np.random.default_rng(4).integers(14, 19, (2, 180, 320), np.uint8)
        assert not is_cut(thumbnail(noise[0]), thumbnail(noise[1]))
        black = np.full((180, 320), 16, np.uint8)
        assert is_cut(thumbnail(SCENES[0]), thumbnail(black))
        assert is_cut(thumbnail(black), thumbnail(np.full((180, 320), 235, np.uint8)))

    @pytest.mark.parametrize("shape", [(1, 1), (20, 3000), (90, 160), (2160, 3840)])
    def test_pictures_of_any_shape(self, shape: tuple[int, int]) -> None:
        small = thumbnail(np.full(shape, 77, np.uint8))
        assert small.shape == (18, 32)
        assert not is_cut(small, small)


def frame(index: int, scene: int = 0, fps: float = 25) -> Frame:
    picture = av.VideoFrame(320, 180, "gray")
    return Frame(index, index / fps, SCENES[scene], True, picture, Orientation())


def lengths(found: Iterator[Segment]) -> list[tuple[list[int], bool]]:
    return [([one.index for one in part.frames], part.starts_shot) for part in found]


class TestSegments:
    def test_they_end_on_every_nth_frame_and_on_the_last(self) -> None:
        found = lengths(segments((frame(index) for index in range(9)), 3))
        assert found == [([0, 1, 2, 3], True), ([4, 5, 6], False), ([7, 8], False)]

    def test_they_end_before_a_cut(self) -> None:
        shots = [frame(index, scene=int(index >= 5)) for index in range(8)]
        assert lengths(segments(shots, 3)) == [
            ([0, 1, 2, 3], True),
            ([4], False),
            ([5, 6, 7], True),
        ]

    def test_they_are_short_in_time(self) -> None:
        found = lengths(segments((frame(index, fps=5) for index in range(4)), 6))
        assert found == [([0, 1], True), ([2], False), ([3], False)]

    def test_no_frames(self) -> None:
        assert list(segments([], 6)) == []


class TestSee:
    def run(self, every: int, world: dict[int, Faces], frames: list[Frame], workers: int = 3) -> Any:
        looked: list[int] = []

        def detect(one: Frame) -> Faces:
            looked.append(one.index)
            return world[one.index]

        crop = partial(cut_out, crop_shape=(8, 8, 1))

        with ThreadPoolExecutor(workers) as pool:
            found = segments(frames, every)
            keys = ordered_map(lambda part: detect_key_frames(part, detect), found, pool, 3)
            parts = list(
                ordered_map(lambda one: interpolate_and_crop(one, detect, crop), intervals(keys), pool, 3)
            )
        return [one for part in parts for one in part], sorted(looked)

    def test_every_frame_is_seen_once_and_in_order(self) -> None:
        frames = [frame(index, scene=index // 20) for index in range(60)]
        world = {index: faces(index % 20 / 4, 100) for index in range(60)}
        every, looked = self.run(1, world, frames)
        assert looked == list(range(60))
        few, looked = self.run(6, world, frames)
        assert len(looked) <= 15
        assert [one.index for one in few] == list(range(60))
        assert [one.index for one in few if one.starts_shot] == [0, 20, 40]
        for one, other in zip(few, every, strict=True):
            np.testing.assert_allclose(one.boxes_xywh, other.boxes_xywh, atol=1)
            assert one.crops.shape == (2, 8, 8, 1)
        assert {one.index for one in few if not np.isnan(one.scores).any()} == set(looked)

    def test_faces_stand_from_left_to_right(self) -> None:
        seen, _ = self.run(1, {0: faces(90, 10)}, [frame(0)])
        assert seen[0].boxes_xywh[:, 0].tolist() == [10, 90]

    def test_a_detector_that_fails_ends_it_for_those_who_wait(self) -> None:
        world = {index: faces(0) for index in range(60) if index != 12}
        with pytest.raises(KeyError, match="12"):
            self.run(6, world, [frame(index) for index in range(60)])

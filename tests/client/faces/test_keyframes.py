"""Segments between key frames, and every frame seen once and in order."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest

from fer_client.faces.alignment import cut_out
from fer_client.faces.detection import Faces
from fer_client.faces.keyframes import Segment, detect_key_frames, interpolate_and_crop, intervals, segments
from fer_client.media.frame import Frame
from fer_client.pipeline.concurrency import ordered_map
from support.faces import faces, frame


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

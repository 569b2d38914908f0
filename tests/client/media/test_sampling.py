"""Frames are taken by their presentation times."""

import math

import av
import numpy as np
import pytest

from fer_client.media.frame import Frame, Orientation
from fer_client.media.sampling import sample


@pytest.mark.parametrize(
    ("fps", "expected"),
    [(None, [0, 1, 2, 3, 4, 5, 6]), (5.0, [0, 2, 4, 5]), (1.0, [0, 5]), (60.0, [0, 1, 2, 3, 4, 5, 6])],
)
def test_sampling_goes_by_presentation_time(fps: float | None, expected: list[int]) -> None:
    assert sampled([0.0, 0.1, 0.2, 0.3, 0.4, 1.0, 1.1], fps) == expected


def test_sampling_goes_on_where_times_start_again() -> None:
    times = [0.0, 0.1, 0.2, 0.3, 0.4]
    assert sampled(times * 2, 5.0) == [0, 2, 4, 5, 7, 9]


@pytest.mark.parametrize("fps", [23.976, 24, 29.97, 30, 50, 59.94, 60, 120])
def test_times_in_whole_milliseconds_lose_no_frame(fps: float) -> None:
    assert len(sampled([round(number / fps, 3) for number in range(240)], fps)) == 240
    assert len(sampled([math.floor(1000 * number / fps) / 1000 for number in range(240)], fps)) == 240


def sampled(times_s: list[float], fps: float | None) -> list[int]:
    picture = av.VideoFrame(16, 16, "gray")
    frames = [
        Frame(index, time_s, np.zeros((16, 16), np.uint8), True, picture, Orientation())
        for index, time_s in enumerate(times_s)
    ]
    return [frame.index for frame in sample(frames, fps)]

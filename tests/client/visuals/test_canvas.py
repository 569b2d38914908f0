"""Sprites and colours on frames come out as they are, in either range and matrix, and touch nothing else."""

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from fer_client.media.yuv import Colours, planes_of
from fer_client.visuals.canvas import Area, Canvas, Sprite

ORANGE = (230, 159, 0)


def frame(size_wh: tuple[int, int], form: str, colours: Colours) -> av.VideoFrame:
    picture = av.VideoFrame(*size_wh, form)
    for plane in planes_of(picture):
        plane[...] = 128
    picture.color_range, picture.colorspace = colours.range, colours.matrix
    return picture


def rgb(picture: av.VideoFrame) -> np.ndarray:
    return VideoReformatter().reformat(picture, format="rgb24", dst_color_range=2).to_ndarray()


@pytest.mark.parametrize("form", ["yuv420p", "yuv444p"])
@pytest.mark.parametrize("color_range", [1, 2])
@pytest.mark.parametrize("matrix", [1, 2, 6])
def test_a_colour_is_seen_as_it_is(form: str, color_range: int, matrix: int) -> None:
    colours = Colours(color_range, matrix, 2, 2)
    picture = frame((64, 48), form, colours)
    Canvas.of_yuv(picture, colours).fill(Area(16, 12, 48, 36), ORANGE)
    inside = rgb(picture)[16:32, 20:44]
    assert abs(inside.astype(int) - ORANGE).max() <= 4


@pytest.mark.parametrize("corner", [(10, 10), (11, 13), (-5, -7), (60, 44), (100, 100)])
def test_a_sprite_touches_its_own_pixels_alone(corner: tuple[int, int]) -> None:
    colours = Colours(1, 1, 1, 1)
    picture = frame((64, 48), "yuv420p", colours)
    sprite = Sprite(np.full((9, 7, 3), 255, np.float32), np.ones((9, 7), np.float32))
    Canvas.of_yuv(picture, colours).put(sprite, *corner)
    left, top = corner
    wanted = np.full((48, 64), 128)
    wanted[max(0, top) : max(0, top + 9), max(0, left) : max(0, left + 7)] = 235
    assert (planes_of(picture)[0] == wanted).all()
    if left % 2 == top % 2 == 0 and left < 64:
        changed = np.argwhere(planes_of(picture)[1] != 128)
        assert len(changed) == 0  # white has no colour


def test_a_line_of_one_pixel_keeps_its_colour() -> None:
    colours = Colours(1, 1, 1, 1)
    picture = frame((64, 48), "yuv420p", colours)
    Canvas.of_yuv(picture, colours).fill(Area(9, 8, 10, 16), (255, 0, 0))
    red = planes_of(picture)[2]
    assert (red[4:8, 5] == 240).all()
    assert np.count_nonzero(red != 128) == 4


def test_a_sprite_gives_a_chroma_sample_the_share_that_it_covers() -> None:
    colours = Colours(1, 1, 1, 1)
    picture = frame((64, 48), "yuv420p", colours)
    red_one = np.zeros((8, 11, 3), np.float32)
    red_one[..., 0] = 255
    Canvas.of_yuv(picture, colours).put(Sprite(red_one, np.ones((8, 11), np.float32)), 9, 8)
    red = planes_of(picture)[2]
    assert red[5, 6] == 240
    assert red[5, 4] == (240 + 128) // 2
    assert red[5, 3] == red[5, 10] == 128


def test_a_cover_leaves_one_value_in_every_plane() -> None:
    colours = Colours(1, 1, 1, 1)
    picture = frame((65, 49), "yuv420p", colours)
    noise = np.random.default_rng(1)
    for plane in planes_of(picture):
        plane[...] = noise.integers(16, 236, plane.shape)
    Canvas.of_yuv(picture, colours).cover(Area(-3, 7, 30, 40), np.ones((33, 33), np.float32))
    luma, blue, red = planes_of(picture)
    assert len(np.unique(luma[7:40, 0:30])) == 1
    assert len(np.unique(blue[3:20, 0:15])) == len(np.unique(red[3:20, 0:15])) == 1
    assert len(np.unique(luma[:, 31:])) > 100


def test_a_photograph_takes_the_same() -> None:
    picture = np.zeros((20, 30, 3), np.uint8)
    Canvas.of_bgr(picture).fill(Area(5, 5, 10, 10), ORANGE)
    assert picture[7, 7].tolist() == list(ORANGE[::-1])
    assert picture[4, 7].tolist() == [0, 0, 0]

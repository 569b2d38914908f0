"""Where a crop is cut out, how it is scaled, and that faces land in it as they lie in FER2013's pictures."""

import math
from dataclasses import replace

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fer_client.faces.alignment import (
    LANDMARKS_XY,
    SCALE,
    TILT_SHARE,
    Square,
    crop_faces,
    cut,
    face_square,
)
from fer_client.media.frame import Frame, Orientation
from support.faces import upright_face


def frame_of(luma: NDArray[np.uint8], is_full_range: bool = True) -> Frame:
    return Frame(
        0, 0.0, luma, is_full_range, av.VideoFrame(luma.shape[1], luma.shape[0], "gray"), Orientation()
    )


def placed(square: Square) -> NDArray[np.float32]:
    """FER2013's landmarks as they lie in a picture where `square` is the face's crop."""
    cosine, sine = math.cos(square.tilt), math.sin(square.tilt)
    turn = square.side * np.array([[cosine, -sine], [sine, cosine]])
    return ((np.array(LANDMARKS_XY) - 0.5) @ turn.T + square.centre_xy).astype(np.float32)


def turned_template(angle: float) -> NDArray[np.float64]:
    """FER2013's landmarks, turned about the middle between eyes and mouth, in shares of the side."""
    template = np.array(LANDMARKS_XY)
    middle = template[[0, 1, 3, 4]].mean(axis=0)
    cosine, sine = math.cos(angle), math.sin(angle)
    return (template - middle) @ np.array([[cosine, sine], [-sine, cosine]]) + middle


def dots(points: NDArray[np.float32], size: int = 400) -> NDArray[np.uint8]:
    """A dark picture with a soft bright dot at each place."""
    ys, xs = np.mgrid[:size, :size] + 0.5
    squares = ((xs[..., None] - points[:, 0]) ** 2 + (ys[..., None] - points[:, 1]) ** 2).min(axis=2)
    return (250 * np.exp(-squares / 50)).astype(np.uint8)


class TestPlace:
    def test_an_empty_box_still_has_a_side(self) -> None:
        assert face_square(np.zeros(4, int), np.zeros((5, 2), np.float32)).side == 1

    def test_landmarks_as_in_fer2013_give_back_their_square(self) -> None:
        wanted = Square((210.5, 190.25), 133.0)
        found = face_square(np.array([0, 0, 100, 140]), placed(wanted))
        assert found.centre_xy == pytest.approx(wanted.centre_xy, abs=1e-3)
        assert (found.side, found.tilt) == pytest.approx((wanted.side, 0), abs=1e-5)

    @pytest.mark.parametrize("degrees", [-170, -40, 5, 90])
    def test_the_square_turns_with_the_face(self, degrees: float) -> None:
        leaning = placed(Square((210.5, 190.25), 133.0, math.radians(degrees)))
        found = face_square(np.array([0, 0, 100, 140]), leaning)
        assert math.degrees(found.tilt) == pytest.approx(TILT_SHARE * degrees, abs=1e-3)

    def test_a_turned_head_keeps_its_size(self) -> None:
        points = placed(Square((200, 200), 133.0))
        points[:, 0] = 200 + (points[:, 0] - 200) * 0.5
        assert face_square(np.array([0, 0, 90, 140]), points).side == SCALE * 140


class TestCut:
    def test_area_mean_when_shrinking_by_a_whole_number(self) -> None:
        luma = np.tile(np.array([[0, 200], [100, 40]], np.uint8), (96, 96))
        assert np.unique(cut(luma, Square((96, 96), 192), (96, 96))).tolist() == [85]

    def test_a_square_of_the_crops_size_is_copied_to_the_pixel(self) -> None:
        luma = np.random.default_rng(0).integers(0, 256, (200, 200), np.uint8)
        np.testing.assert_array_equal(cut(luma, Square((88, 68), 96), (96, 96)), luma[20:116, 40:136])

    def test_colour_and_other_shapes(self) -> None:
        picture = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
        small = cut(picture, Square((64, 64), 128), (64, 32))
        assert small.shape == (64, 32, 3)
        means = picture.reshape(64, 2, 32, 4, 3).mean(axis=(1, 3))
        np.testing.assert_allclose(small, means, atol=1)

    def test_beyond_the_edge_the_border_repeats(self) -> None:
        luma = np.arange(40, dtype=np.uint8).reshape(1, 40).repeat(40, axis=0)
        crop = cut(luma, Square((40, 10), 20), (20, 20))
        assert crop[0].tolist() == [*range(30, 40), *[39] * 10]

    @pytest.mark.parametrize("centre_xy", [(-500.0, 20.0), (20.0, 900.0)])
    def test_a_square_off_the_picture_shows_its_edge(self, centre_xy: tuple[float, float]) -> None:
        luma = np.full((40, 40), 7, np.uint8)
        assert np.unique(cut(luma, Square(centre_xy, 30), (96, 96))).tolist() == [7]

    def test_fine_stripes_average_out_at_any_scale_and_tilt(self) -> None:
        stripes = np.tile(np.array([0, 200], np.uint8), (600, 300))
        for side in (200, 250, 290, 330, 430):
            for tilt in (0.0, 0.3):
                crop = cut(stripes, Square((300, 300), side, tilt), (96, 96))
                halved = crop.reshape(48, 2, 48, 2).mean(axis=(1, 3))
                assert abs(halved - 100).max() < 40, (side, tilt)  # without averages up to 100


class TestCrops:
    @pytest.mark.parametrize("side", [60.0, 96.0, 150.0, 310.0])
    @pytest.mark.parametrize("degrees", [0, -20, 35])
    def test_landmarks_land_where_fer2013_has_them_but_for_the_tilt_left(
        self, side: float, degrees: float
    ) -> None:
        points = placed(Square((203.3, 188.8), side, math.radians(degrees)))
        box = np.array([[0, 0, side / SCALE * 0.8, side / SCALE]])
        crop = crop_faces(frame_of(dots(points)), box, points[None], (96, 96, 1))[0, :, :, 0]
        left = math.radians((1 - TILT_SHARE) * degrees)
        for x, y in turned_template(left) * 96:
            part = crop[int(y) - 3 : int(y) + 4, int(x) - 3 : int(x) + 4].astype(float)
            ys, xs = np.mgrid[int(y) - 3 : int(y) + 4, int(x) - 3 : int(x) + 4] + 0.5
            assert part.max() > 100
            assert (xs * part).sum() / part.sum() == pytest.approx(x, abs=1)
            assert (ys * part).sum() / part.sum() == pytest.approx(y, abs=1)

    @pytest.mark.parametrize("aspect", [0.5, 12 / 11, 2.0])
    @pytest.mark.parametrize(("side", "degrees"), [(96.0, 0), (150.0, 35), (310.0, -20)])
    def test_crops_of_pixels_that_are_not_square_are_the_same(
        self, side: float, degrees: float, aspect: float
    ) -> None:
        points = placed(Square((203.3, 188.8), side, math.radians(degrees)))
        shown, box = dots(points), np.array([[0, 0, side / SCALE * 0.8, side / SCALE]])
        stored = cv2.resize(shown, (round(400 / aspect), 400), interpolation=cv2.INTER_AREA)
        frame = replace(frame_of(stored), pixel_aspect=aspect)
        wanted = crop_faces(frame_of(shown), box, points[None], (96, 96, 1)).astype(int)
        assert frame.size_wh == (400, 400)
        found = crop_faces(frame, box, points[None], (96, 96, 1))
        one_pixel_off = np.abs(np.roll(wanted, 1, axis=2) - wanted).mean()
        assert np.abs(found - wanted).mean() < one_pixel_off / 4

    def test_limited_range_becomes_full_range(self) -> None:
        luma = np.full((96, 96), 235, np.uint8)
        luma[:48] = 16
        crop = crop_faces(frame_of(luma, is_full_range=False), *upright_face(0, 0, 96), (96, 96, 1))
        assert {crop[0, 0, 0, 0], crop[0, -1, 0, 0]} == {0, 255}

    def test_turned_frames_are_read_in_their_view(self) -> None:
        luma = np.random.default_rng(0).integers(0, 256, (120, 160), np.uint8)
        face = upright_face(20, 30, 50)
        view = crop_faces(frame_of(np.rot90(luma)), *face, (96, 96, 1))
        copy = crop_faces(frame_of(np.rot90(luma).copy()), *face, (96, 96, 1))
        np.testing.assert_array_equal(view, copy)

    @pytest.mark.parametrize("channels", [1, 3])
    def test_no_faces_no_crops_and_no_conversion(
        self, channels: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        converted: list[Frame] = []
        monkeypatch.setattr(Frame, "rgb", lambda frame: converted.append(frame))
        frame, shape = frame_of(np.zeros((50, 50), np.uint8)), (96, 96, channels)
        assert crop_faces(frame, np.empty((0, 4)), np.empty((0, 5, 2), np.float32), shape).shape == (
            0,
            *shape,
        )
        assert not converted

"""The picture and the faces as a page gets them."""

import cv2
import numpy as np
import pytest

from fer_client.inference.client import Predictions
from fer_client.live.feed import Arrival
from fer_client.live.picture import Picture, served_width
from fer_client.media.images import picture_frame
from fer_client.temporal.frame import AnalysedFrame


def a_picture(
    size_wh: tuple[int, int],
    box: tuple[int, int, int, int] = (10, 20, 30, 40),
    affect: tuple[float, float] | None = None,
) -> Picture:
    """A frame of one colour with one face."""
    answers = Predictions(
        np.array([[0.25, 0.75]], np.float32), None if affect is None else np.array([affect], np.float32)
    )
    frame = picture_frame(7, 1.5, np.full((size_wh[1], size_wh[0], 3), (200, 100, 50), np.uint8))
    analysed = AnalysedFrame(7, 1.5, np.array([box], np.int32), np.ones(1, np.float32), [3], answers, answers)
    return Picture(analysed, Arrival(frame, 0.0, 0), 0.0)


@pytest.mark.parametrize(("wanted", "width"), [(0, 320), (321, 480), (960, 960), (5000, 1280), (-7, 320)])
def test_widths_in_steps_between_two_bounds(wanted: int, width: int) -> None:
    assert served_width(wanted) == width


@pytest.mark.parametrize(("wanted", "shape"), [(400, (270, 480, 3)), (4000, (720, 1280, 3))])
def test_a_large_frame_is_reduced_in_its_shape(wanted: int, shape: tuple[int, int, int]) -> None:
    picture = a_picture((1920, 1080))
    jpeg = picture.jpeg(wanted)
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == shape
    assert np.abs(decoded.astype(int) - (200, 100, 50)).max() < 8
    assert picture.jpeg(wanted) is jpeg


def test_a_small_frame_is_not_enlarged() -> None:
    decoded = cv2.imdecode(np.frombuffer(a_picture((160, 90)).jpeg(960), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == (90, 160, 3)


def test_faces_are_shares_of_the_frame() -> None:
    (face,) = a_picture((200, 100), (20, 10, 100, 50)).faces()
    assert face == {"track": 3, "box": [0.1, 0.1, 0.5, 0.5], "probabilities": [0.25, 0.75], "affect": None}


def test_a_valence_that_rounds_to_zero_has_no_sign() -> None:
    (face,) = a_picture((200, 100), affect=(-0.001, -0.5)).faces()
    assert str(face["affect"]) == "[0.0, -0.5]"

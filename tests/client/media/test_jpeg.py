"""Zeros in the middle of a JPEG, where a block was lost."""

import random
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_client.errors import InputError
from fer_client.media.images import read_picture
from fer_client.media.jpeg import has_hole
from support.videos import portrait

FORMS = {
    "baseline": [],
    "optimised": [cv2.IMWRITE_JPEG_OPTIMIZE, 1],
    "restarts": [cv2.IMWRITE_JPEG_RST_INTERVAL, 4],
}


def jpeg(picture: np.ndarray, options: list[int]) -> bytes:
    return cv2.imencode(".jpg", picture, options)[1].tobytes()


@pytest.mark.parametrize("form", FORMS)
def test_a_hole_is_found_wherever_it_is(tmp_path: Path, form: str) -> None:
    whole = jpeg(portrait(), FORMS[form])
    assert not has_hole(whole)
    start, rng = whole.rindex(b"\xff\xda") + 20, random.Random(form)
    for _ in range(20):
        place = rng.randrange(start, len(whole) - 3002)
        (tmp_path / "a.jpg").write_bytes(whole[:place] + bytes(3000) + whole[place + 3000 :])
        with pytest.raises(InputError, match="damaged"):
            read_picture(tmp_path / "a.jpg")


def test_a_progressive_picture_may_look_whole_but_mostly_does_not() -> None:
    whole = jpeg(portrait(), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])
    assert not has_hole(whole)
    start = whole.index(b"\xff\xda") + 20
    places = range(start, len(whole) - 3002, 2000)
    found = [has_hole(whole[:place] + bytes(3000) + whole[place + 3000 :]) for place in places]
    assert sum(found) > len(found) / 2


@pytest.mark.parametrize("options", [[], [cv2.IMWRITE_JPEG_OPTIMIZE, 1], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]])
@pytest.mark.parametrize("light", [0, 128, 255])
def test_a_plain_picture_has_no_hole(options: list[int], light: int) -> None:
    """With tables of its own the code of a plain picture is hardly more than zeros."""
    picture = np.full((2000, 2000, 3), light, np.uint8)
    picture[:40, :40] = portrait()[:40, :40]
    assert not has_hole(jpeg(picture, options))


def test_zeros_before_and_after_the_picture_are_no_hole(tmp_path: Path) -> None:
    whole = jpeg(portrait(), [])
    comment = b"\xff\xfe" + (2 + 500).to_bytes(2) + bytes(500)
    (tmp_path / "a.jpg").write_bytes(whole[:2] + comment + whole[2:] + bytes(5000))
    assert read_picture(tmp_path / "a.jpg").shape == portrait().shape

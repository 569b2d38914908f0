"""What is a cut and what is none."""

import numpy as np
import pytest

from fer_client.faces.shots import is_cut, thumbnail
from support.faces import SCENES


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

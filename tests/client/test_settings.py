"""Settings that cannot change an input's result do not make it again."""

import pytest

from fer_client.media.sources import Photographs, PictureSequence, Stream, VideoFile
from fer_client.settings import Settings


class TestSettings:
    """Settings that cannot change an input's result do not make it again."""

    def test_a_photograph_depends_on_few(self) -> None:
        assert Settings().as_record("photographs").keys() == {
            "photo_side",
            "min_score",
            "min_face",
            "min_confidence",
        }

    @pytest.mark.parametrize("kind", ["video", "stream", "sequence"])
    def test_a_film_depends_on_all_but_the_photographs_own(self, kind: str) -> None:
        names = {"fps", "detect_every", "smooth_s", "duration_s", "detection_side"}
        names |= {"min_confidence", "min_episode_s"}
        names |= {"min_score", "min_face", "partial"} | ({"sequence_fps"} if kind == "sequence" else set())
        assert Settings().as_record(kind).keys() == names

    def test_every_kind_of_input_is_known(self) -> None:
        for kind in (VideoFile, Stream, PictureSequence, Photographs):
            assert Settings().as_record(kind.kind)

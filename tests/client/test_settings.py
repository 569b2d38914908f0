"""The settings: ranges, each option written down once, and which of them change an input's result."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from fer_client.arguments import Options
from fer_client.cli.app import analyse
from fer_client.errors import UsageError
from fer_client.live.source import LiveSource
from fer_client.media.sources import ImageSequence, Photographs, Stream, VideoFile
from fer_client.settings import VISUAL_SETTINGS, Settings, setting_options
from fer_client.visuals.catalogue import VISUALS


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
        names |= {"min_confidence", "min_episode_s", "low_latency"}
        names |= {"min_score", "min_face", "partial"} | ({"sequence_fps"} if kind == "sequence" else set())
        assert Settings().as_record(kind).keys() == names

    def test_every_kind_of_input_is_known(self) -> None:
        for kind in (VideoFile, Stream, ImageSequence, Photographs, LiveSource):
            assert Settings().as_record(kind.kind)


def test_every_visual_has_a_setting_that_asks_for_it() -> None:
    assert not Settings().asks_for_visuals
    for visual in VISUALS:
        wanted = [name for name in VISUAL_SETTINGS if visual.is_wanted(Settings(**{name: True}))]
        assert wanted, visual
        assert all(Settings(**{name: True}).asks_for_visuals for name in wanted)


DOCS = Path(__file__).parents[2] / "docs" / "client.md"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"fps": 1000.5}, "--fps must be above 0 and at most 1000, but is 1000.5."),
        ({"sequence_fps": 0.0}, "--sequence-fps must be above 0 and at most 1000, but is 0.0."),
        ({"detect_every": 61}, "--detect-every must be from 1 to 60 frames, but is 61."),
        ({"smooth_s": -1.0}, "--smooth must be from 0 to 10 seconds, but is -1.0."),
        ({"min_confidence": 1.0}, "--min-confidence must be from 0 to below 1, but is 1.0."),
        ({"min_episode_s": 61.0}, "--min-episode must be from 0 to 60 seconds, but is 61.0."),
        ({"duration_s": float("inf")}, "--duration must be above 0 and finite, but is inf."),
        ({"batch_size": 0}, "--batch-size must be from 1 to 4096, but is 0."),
        ({"in_flight": 257}, "--in-flight must be from 1 to 256, but is 257."),
        ({"timeout_s": 0.0}, "--timeout must be above 0 and at most 3600 seconds, but is 0.0."),
        ({"detection_side": 63}, "--detection-side must be from 64 to 4096, but is 63."),
        ({"photo_side": 4097}, "--photo-side must be from 64 to 4096, but is 4097."),
        ({"min_score": 1.0}, "--min-score must be between 0 and 1, but is 1.0."),
        ({"min_face": 0}, "--min-face must be from 1 to 4096 pixels, but is 0."),
        ({"detection_workers": 65}, "--workers must be from 1 to 64, but is 65."),
    ],
)
def test_a_value_out_of_its_range(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as raised:
        Settings(**values)
    assert str(raised.value) == sentence


def test_not_a_number_is_in_no_range() -> None:
    for name in ("fps", "smooth_s", "min_confidence", "duration_s", "min_score", "timeout_s"):
        with pytest.raises(UsageError):
            Settings(**{name: float("nan")})


def test_the_command_takes_every_setting() -> None:
    parameters = inspect.signature(analyse).parameters
    assert {name: parameters[name].default for name in setting_options()} == vars(Settings())


def test_the_docs_name_the_options_of_python() -> None:
    listed = re.search(
        r"the settings of the command:(.*?)\. Nothing is\s+written", DOCS.read_text(), re.DOTALL
    )
    assert listed
    assert set(re.findall(r"`(\w+)`", listed[1])) == set(Options.__annotations__)

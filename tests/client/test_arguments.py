"""What a Python program passes is checked at once, and a mistake named."""

from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest

from fer_client import UsageError, analyze
from fer_client.arguments import Options
from fer_client.settings import Settings
from support.protocol_server import ProtocolServer


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fps": -1}, ["fps must be above 0"]),
        ({"fps": "5"}, ["fps", "a number or None", "'5'"]),
        ({"detect_every": 2.5}, ["detect_every", "a whole number", "2.5"]),
        ({"partial": "yes"}, ["partial", "True or False", "'yes'"]),
        ({"colour": "red"}, ["url, detector", "fps, detect_every", "colour"]),
        ({"table_format": "xlsx"}, ["fps, detect_every", "table_format"]),
        ({"out": Path("there")}, ["fps, detect_every", "out"]),
        ({"detector_model": "nowhere.onnx"}, ["nowhere.onnx", "Leave one out"]),
    ],
)
def test_a_wrong_setting_is_named_at_once(
    face_video: Path, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(UsageError) as raised:
        analyze(face_video, detector="lumaface", **options)
    assert all(word in str(raised.value) for word in words), raised.value


def test_numbers_of_any_kind_are_numbers(face_video: Path, server: ProtocolServer) -> None:
    options: dict[str, Any] = {"fps": np.float32(5), "detect_every": np.int64(2), "smooth_s": 1}
    assert next(analyze(str(face_video), url=server.url, detector="lumaface", **options)).frame == 0


def test_a_named_detector_may_be_a_text(face_video: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.onnx is not there"):
        analyze(face_video, detector_model=str(tmp_path / "nowhere.onnx"))


def test_every_option_is_a_setting_of_the_same_type() -> None:
    settings, options = get_type_hints(Settings), get_type_hints(Options)
    assert {name: settings[name] for name in options} == options
    assert settings.keys() - options.keys() == {
        *("out", "table_format", "overwrite", "annotate", "anonymize", "report", "relative")
    }

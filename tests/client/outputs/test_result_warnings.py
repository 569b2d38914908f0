"""What to know before a result is trusted is told wherever the result is."""

import json
from pathlib import Path

import pytest

from fer_client.outputs.result_warnings import result_warnings
from support.command import Command
from support.protocol_server import ProtocolServer


def test_the_weaker_detector_is_told_wherever_a_result_is(
    command: Command,
    server: ProtocolServer,
    face_video: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fer_client.faces.detection.cached_weights", lambda: None)
    monkeypatch.setattr("fer_client.faces.detection.download_weights", lambda: None)
    done = command(face_video, "--url", server.url)
    assert done.returncode == 0
    (warning,) = json.loads((tmp_path / "out" / "face" / "summary.json").read_text())["warnings"]
    assert "LumaFace" in warning
    assert "Look at the boxes" in warning
    assert f"Note: {warning}" in done.stdout
    assert "LumaFace in place of YuNet" in done.stderr.splitlines()[-1]


def test_the_better_detector_needs_no_warning(
    command: Command, server: ProtocolServer, face_video: Path, tmp_path: Path, shared: Path
) -> None:
    model = shared / "models" / "face_detection_yunet_2023mar.onnx"
    done = command(face_video, "--url", server.url, "--detector-model", model)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "out" / "face" / "summary.json").read_text())["warnings"] == []
    assert "Note" not in done.stdout


@pytest.mark.parametrize(("times", "often"), [(1, "backwards once;"), (2, "backwards 2 times;")])
def test_how_often_times_go_backwards(times: int, often: str) -> None:
    (warning,) = result_warnings("YuNet", times_backwards=times)
    assert often in warning

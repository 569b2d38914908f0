"""`fer-client doctor` names what is there and what is missing."""

from pathlib import Path

from support.command import Command
from support.protocol_server import ProtocolServer


def test_doctor_names_what_is_there(command: Command, server: ProtocolServer, shared: Path) -> None:
    model = shared / "models" / "face_detection_yunet_2023mar.onnx"
    done = command("doctor", "--url", server.url, "--detector-model", model)
    assert done.returncode == 0, done.stdout
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert [line[:2] for line in lines] == [
        ["ok", subject] for subject in ("packages", "video", "detector", "server", "models")
    ]
    assert "Triton 2.51.0" in done.stdout
    assert "valence" not in done.stdout


def test_doctor_says_whether_valence_and_arousal_are_served(command: Command, server: ProtocolServer) -> None:
    server.with_affect = True
    done = command("doctor", "--url", server.url)
    assert "apart and gives valence and arousal; a test crop" in " ".join(done.stdout.split())


def test_doctor_names_what_is_missing(command: Command) -> None:
    done = command("doctor", "--url", "127.0.0.1:9", "--detector-model", "nowhere.onnx")
    assert done.returncode == 4
    assert "FAIL detector" in done.stdout
    assert "FAIL server" in done.stdout

"""Where the server comes from."""

from pathlib import Path

import pytest

from fer_client.inference.embedded import early_server
from support.command import Command, assert_fails
from support.protocol_server import ProtocolServer

NOBODY = "127.0.0.1:9"


def is_local(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this be the address of a server that runs here; none is named, and an embedded one finds no packages."""
    monkeypatch.delenv("FER_TRITON_URL", raising=False)
    monkeypatch.setenv("FER_SERVER_PACKAGES", "/nothing")
    for module in ("server", "embedded"):
        monkeypatch.setattr(f"fer_client.inference.{module}.LOCAL_URL", url)


def test_a_server_that_was_not_named_is_announced(
    command: Command,
    face_video: Path,
    server: ProtocolServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_local(server.url, monkeypatch)
    done = command("--detector", "lumaface", face_video)
    assert done.returncode == 0
    assert f"Using the server that is ready at {server.url}." in done.stderr


def test_an_embedded_server_that_cannot_start_says_why(
    command: Command, face_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_local(NOBODY, monkeypatch)
    done = command("--detector", "lumaface", face_video)
    assert done.returncode == 4
    first, second = done.stderr.strip().splitlines()
    assert first == "Starting the embedded Triton server for this job."
    assert second.startswith("fer-client: FER_SERVER_PACKAGES names /nothing")


def test_a_server_that_was_launched_in_vain_says_nothing(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_local(NOBODY, monkeypatch)
    (tmp_path / "talk.mp4").write_text("no video")
    assert_fails(command("--detector", "lumaface", "talk.mp4"), 3, "talk.mp4")


def test_a_server_is_launched_early_where_one_is_needed_alone(
    face_video: Path, server: ProtocolServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_launched(url: str | None, *inputs: object) -> bool:
        with early_server(url, [str(one) for one in inputs], print) as launched:
            return launched is not None

    is_local(NOBODY, monkeypatch)
    assert is_launched(None, "nowhere.mp4", face_video)
    assert not is_launched(server.url, face_video)
    assert not is_launched(None, "nowhere.mp4", "rtsp://camera.invalid/stream")
    monkeypatch.setenv("FER_TRITON_URL", server.url)
    assert not is_launched(None, face_video)
    is_local(server.url, monkeypatch)
    assert not is_launched(None, face_video)


def test_where_nobody_answers_the_way_out_is_told(command: Command, face_video: Path) -> None:
    done = command("--detector", "lumaface", "--url", "127.0.0.1:1", face_video)
    assert done.returncode == 4
    assert "at 127.0.0.1:1: nobody answers there" in done.stderr
    assert "Without --url and FER_TRITON_URL an embedded one serves." in done.stderr

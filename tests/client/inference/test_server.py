"""Where the server comes from."""

from pathlib import Path

import pytest

from support.command import Command
from support.protocol_server import ProtocolServer


def test_a_server_that_was_not_named_is_announced(
    command: Command,
    face_video: Path,
    server: ProtocolServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("FER_TRITON_URL", raising=False)
    monkeypatch.setattr("fer_client.inference.server.LOCAL_URL", server.url)
    done = command("--detector", "lumaface", face_video)
    assert done.returncode == 0
    assert f"Using the server that is ready at {server.url}." in done.stderr


def test_where_nobody_answers_the_way_out_is_told(command: Command, face_video: Path) -> None:
    done = command("--detector", "lumaface", "--url", "127.0.0.1:1", face_video)
    assert done.returncode == 4
    assert "at 127.0.0.1:1: nobody answers there" in done.stderr
    assert "Without --url and FER_TRITON_URL an embedded one serves." in done.stderr

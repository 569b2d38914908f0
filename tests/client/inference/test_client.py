"""Servers that are absent, not ready, slow, busy, or answer what cannot be read."""

import threading
from pathlib import Path

import grpc
import pytest

from fer_client.inference.client import InferenceClient
from support.command import Command, assert_fails
from support.protocol_server import ProtocolServer


class TestServer:
    def test_nobody_there(self, run: Command, face_video: Path) -> None:
        assert_fails(run(face_video, "--url", "127.0.0.1:9"), 4, "127.0.0.1:9", "fer-server")

    def test_no_address(self, run: Command, face_video: Path) -> None:
        assert_fails(run(face_video, "--url", "http://here"), 2, "HOST:PORT")

    def test_not_ready(self, run: Command, face_video: Path, server: ProtocolServer) -> None:
        server.ready = False
        assert_fails(run(face_video), 4, "not ready")

    def test_lacks_the_model(self, run: Command, face_video: Path, server: ProtocolServer) -> None:
        server.model = "other"
        assert_fails(run(face_video), 5, "does not serve the model 'fer'")

    def test_answer_of_another_shape(self, run: Command, face_video: Path, server: ProtocolServer) -> None:
        server.answer_rows = 1
        assert_fails(run(face_video), 4, "[20, 7]", "[1, 7]")

    def test_deadline(self, run: Command, face_video: Path, server: ProtocolServer) -> None:
        server.hang.clear()
        assert_fails(run(face_video, "--timeout", "0.5"), 4, "did not answer in time")

    def test_busy_server_is_asked_again(self, run: Command, face_video: Path, server: ProtocolServer) -> None:
        server.failure, server.failures_left = grpc.StatusCode.UNAVAILABLE, 2
        assert run(face_video).returncode == 0
        assert sum(server.batches) == 20

    def test_an_answer_that_is_no_message_ends_the_run_at_once(
        self, run: Command, face_video: Path, server: ProtocolServer
    ) -> None:
        """Asked for all that it knows of such a call, gRPC's own thread would wait for good."""
        server.hang.clear()

        def spoil() -> None:
            assert server.asked.wait(60)
            server.sends_garbage = True
            server.hang.set()

        spoiler = threading.Thread(target=spoil)
        spoiler.start()
        assert_fails(run(face_video, "--batch-size", 2), 4, "Exception deserializing response")
        spoiler.join()

    def test_an_answer_that_cannot_be_read(
        self, run: Command, face_video: Path, server: ProtocolServer
    ) -> None:
        server.cut_answer = 8
        assert_fails(run(face_video), 4, "cannot be read")


def test_a_connection_that_does_not_close_is_left(
    server: ProtocolServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = threading.Event()
    monkeypatch.setattr("fer_client.inference.client._CLOSE_S", 0.01)
    with InferenceClient(server.url, 10) as client:
        monkeypatch.setattr(client._client, "close", never.wait)
    never.set()

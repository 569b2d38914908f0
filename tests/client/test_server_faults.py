"""Servers that are absent, wrong, slow or lost, and a user who stops waiting."""

import json
import signal
from pathlib import Path

import grpc
import pytest

from support.command import Command, assert_fails, start
from support.protocol_server import ProtocolServer
from support.videos import write_video


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

    def test_other_input(self, run: Command, face_video: Path, server: ProtocolServer) -> None:
        server.input_name = "IMAGE"
        assert_fails(run(face_video), 5, "FACES", "IMAGE")

    def test_other_type(self, run: Command, face_video: Path, server: ProtocolServer) -> None:
        server.input_type = "FP32"
        assert_fails(run(face_video), 5, "UINT8", "FP32")

    def test_other_shape(self, run: Command, face_video: Path, server: ProtocolServer) -> None:
        server.crop_shape = (96, 96, 4)
        assert_fails(run(face_video), 5, "[-1, 96, 96, 4]")

    def test_labels_that_do_not_fit_the_output(
        self, run: Command, face_video: Path, server: ProtocolServer
    ) -> None:
        server.output_width = 8
        assert_fails(run(face_video), 5, "[batch, 7]", "[-1, 8]")

    def test_labels_missing(self, run: Command, face_video: Path, server: ProtocolServer) -> None:
        server.labels = []
        assert_fails(run(face_video), 5, "`labels`")

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

    def test_an_answer_that_cannot_be_read(
        self, run: Command, face_video: Path, server: ProtocolServer
    ) -> None:
        server.cut_answer = 8
        assert_fails(run(face_video), 4, "cannot be read")

    def test_what_was_done_before_the_server_failed_is_told(
        self, run: Command, face_video: Path, server: ProtocolServer, tmp_path: Path
    ) -> None:
        write_video(tmp_path / "second.mp4")
        server.fail_after = 1
        done = run("nowhere.mp4", face_video, "second.mp4", "--json", "--timeout", "5")
        printed = json.loads(done.stdout)
        assert done.returncode == 4
        assert [result["input"]["name"] for result in printed["results"]] == ["face.mp4"]
        assert [bad["input"] for bad in printed["failed"]] == ["nowhere.mp4"]
        assert "made to fail" in printed["ended_by"]

    def test_a_missing_server_does_not_hide_a_missing_video(self, run: Command, face_video: Path) -> None:
        done = run("nowhere.mp4", face_video, "--url", "127.0.0.1:9", "--json")
        printed = json.loads(done.stdout)
        assert done.returncode == 4
        assert [bad["input"] for bad in printed["failed"]] == ["nowhere.mp4"]
        assert "127.0.0.1:9" in printed["ended_by"]
        assert len(done.stderr.splitlines()) == 2

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_interrupted_in_the_middle(
        self, face_video: Path, server: ProtocolServer, tmp_path: Path, number: signal.Signals
    ) -> None:
        server.hang.clear()
        process = start([face_video, "--detector", "haar", "--url", server.url], tmp_path)
        assert server.asked.wait(30)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130
        assert err.startswith("fer-client: Interrupted: nothing was written for the input under way.")
        assert list((tmp_path / "out").iterdir()) == []

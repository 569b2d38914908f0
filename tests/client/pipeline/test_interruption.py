"""A user who stops waiting: nothing is left running or half written, and a live stream keeps what came."""

import json
import os
import signal
import threading
from pathlib import Path

import pytest

from fer_client.errors import Interrupted
from fer_client.faces.detection import choose_detector
from fer_client.inference.client import InferenceClient
from fer_client.media.sources import video_file
from fer_client.outputs.result import write_result
from fer_client.pipeline.analysis import Progress
from fer_client.pipeline.context import Job
from fer_client.pipeline.interruption import Interruption
from fer_client.settings import Settings
from support.command import read_rows, start
from support.protocol_server import ProtocolServer
from support.videos import default_frames, uneven_ticks, write_video
from support.web import web


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_every_thread(server: ProtocolServer, tmp_path: Path, number: signal.Signals) -> None:
    write_video(tmp_path / "long.mp4", default_frames() * 4, uneven_ticks(120))
    settings = Settings(detection_workers=2, batch_size=4)

    interruption = Interruption()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    interruption.install()

    def interrupt(progress: Progress) -> None:
        if progress.frames_analysed == 7:
            os.kill(os.getpid(), number)

    with InferenceClient(server.url, 10) as client:
        detector = choose_detector("lumaface", None, 0.7)
        job = Job(settings, client, client.read_contract(), detector, "test", interruption)
        with pytest.raises(Interrupted), interruption.deferred():
            write_result(video_file(tmp_path / "long.mp4"), tmp_path / "result", job, interrupt)
        names = {thread.name for thread in threading.enumerate()}
    for signal_number, handler in handlers.items():
        signal.signal(signal_number, handler)
    assert not any(name.startswith(("prefetch", "faces")) for name in names)
    assert [path.name for path in tmp_path.iterdir()] == ["long.mp4"]


class TestCommand:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_interrupted_in_the_middle(
        self, face_video: Path, server: ProtocolServer, tmp_path: Path, number: signal.Signals
    ) -> None:
        server.hang.clear()
        process = start([face_video, "--detector", "lumaface", "--url", server.url], tmp_path)
        assert server.asked.wait(30)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130
        assert err.startswith("fer-client: Interrupted: nothing was written for the input under way.")
        assert list((tmp_path / "out").iterdir()) == []


class TestLive:
    def test_ctrl_c_ends_a_live_stream_and_keeps_what_came(
        self, server: ProtocolServer, tmp_path: Path
    ) -> None:
        write_video(tmp_path / "cam.ts", default_frames() * 4, uneven_ticks(120))
        with web(tmp_path, closing := threading.Event()) as address:
            arguments = [f"{address}/live/cam.ts", "--detector", "lumaface", "--url", server.url]
            process = start([*arguments, "--batch-size", "4"], tmp_path)
            assert server.asked.wait(60)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
            closing.set()
        assert process.returncode == 0, err
        assert "cam" in out
        rows = read_rows(tmp_path / "out" / "127.0.0.1-cam" / "faces.csv")
        assert 0 < len({row["frame"] for row in rows}) <= 120
        assert json.loads((tmp_path / "out" / "127.0.0.1-cam" / "summary.json").read_text())["video"][
            "is_live"
        ]
        assert os.listdir(tmp_path / "out") == ["127.0.0.1-cam"]

"""The pipeline as a whole, against a server that speaks Triton's protocol."""

import os
import signal
import threading
from pathlib import Path

import pytest

from fer_client.detection import choose_detector
from fer_client.errors import Interrupted
from fer_client.inference import InferenceClient
from fer_client.interruption import Interruption
from fer_client.job import Job
from fer_client.pipeline import Progress, analyse_video
from fer_client.settings import Settings
from support.protocol_server import ProtocolServer
from support.videos import default_frames, uneven_ticks, write_video


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
        detector = choose_detector("haar", None, 0.7)
        job = Job(settings, client, client.read_contract(), detector, "test", interruption)
        with pytest.raises(Interrupted), interruption.deferred():
            analyse_video(tmp_path / "long.mp4", tmp_path / "result", job, interrupt)
        names = {thread.name for thread in threading.enumerate()}
    for signal_number, handler in handlers.items():
        signal.signal(signal_number, handler)
    assert not any(name.startswith(("prefetch", "map")) for name in names)
    assert [path.name for path in tmp_path.iterdir()] == ["long.mp4"]

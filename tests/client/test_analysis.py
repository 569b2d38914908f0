"""The pipeline as a whole, against a server that speaks Triton's protocol."""

import gc
import itertools
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_client.contract import Contract
from fer_client.errors import Interrupted
from fer_client.faces.alignment import FaceCrops
from fer_client.faces.detection import choose_detector
from fer_client.inference.batching import Batching, predict_in_order
from fer_client.inference.client import InferenceClient
from fer_client.media.discovery import find_inputs
from fer_client.media.sources import video_file
from fer_client.outputs.result import write_result
from fer_client.pipeline.analysis import Progress, open_analysis
from fer_client.pipeline.context import Job
from fer_client.pipeline.interruption import Interruption
from fer_client.settings import Settings
from support.protocol_server import LABELS, ProtocolServer, expected_probabilities
from support.videos import default_frames, face_frame, uneven_ticks, write_video

CONTRACT = Contract((8, 8, 1), tuple(LABELS), 64, False, "1")


def job_on(client: InferenceClient, **settings: int) -> Job:
    return Job(Settings(**settings), client, CONTRACT, choose_detector("haar", None, 0.7), "test")


def seen_frame(index: int, faces: int) -> FaceCrops:
    crops = np.full((faces, 8, 8, 1), index % 256, np.uint8)
    return FaceCrops(index, index / 25, np.zeros((faces, 4), np.int32), np.ones(faces, np.float32), crops)


def test_a_long_stretch_without_faces_goes_on_in_bounded_memory(server: ProtocolServer) -> None:
    taken = 0

    def endless() -> Iterator[FaceCrops]:
        nonlocal taken
        for taken in itertools.count():
            yield seen_frame(taken, 0)

    with InferenceClient(server.url, 10) as client:
        answers = predict_in_order(endless(), client, CONTRACT, Batching(32, 4))
        for expected in range(500):
            frame, predictions = next(answers)
            assert frame.index == expected
            assert len(predictions.expression) == 0
            assert taken - expected < 200


def test_more_faces_in_one_frame_than_a_request_takes(server: ProtocolServer) -> None:
    frames = [seen_frame(0, 3), seen_frame(1, 150), seen_frame(2, 0), seen_frame(3, 1)]
    with InferenceClient(server.url, 10) as client:
        answers = list(predict_in_order(frames, client, CONTRACT, Batching(32, 4)))
    assert [frame.index for frame, _ in answers] == [0, 1, 2, 3]
    for frame, predictions in answers:
        np.testing.assert_allclose(predictions.expression, expected_probabilities(frame.crops), atol=1e-6)
    assert max(server.batches) <= 32


@pytest.mark.parametrize("name", ["clip.mp4", "face.png"])
def test_crops_are_let_go_once_they_were_looked_at(server: ProtocolServer, tmp_path: Path, name: str) -> None:
    write_video(tmp_path / "clip.mp4", [face_frame()] * 3)
    cv2.imwrite(str(tmp_path / "face.png"), face_frame())
    (source,) = find_inputs([str(tmp_path / name)], None).sources
    with InferenceClient(server.url, 10) as client, open_analysis(source, job_on(client)) as analysis:
        frames = list(analysis.frames)
    assert [len(frame.boxes_xywh) for frame in frames] == [1] * len(frames)
    assert not [held for held in gc.get_objects() if isinstance(held, FaceCrops)]


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
            write_result(video_file(tmp_path / "long.mp4"), tmp_path / "result", job, interrupt)
        names = {thread.name for thread in threading.enumerate()}
    for signal_number, handler in handlers.items():
        signal.signal(signal_number, handler)
    assert not any(name.startswith(("prefetch", "faces")) for name in names)
    assert [path.name for path in tmp_path.iterdir()] == ["long.mp4"]

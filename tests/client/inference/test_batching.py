"""Faces of consecutive frames go to the server in batches, and the answers come back in order."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fer_client.contract import Contract
from fer_client.faces.alignment import FaceCrops
from fer_client.inference.batching import Batching, predict_in_order
from fer_client.inference.client import InferenceClient
from fer_client.inference.delivery import Delivery
from support.command import Command
from support.protocol_server import LABELS, ProtocolServer, expected_probabilities

CONTRACT = Contract((8, 8, 1), tuple(LABELS), 64, False, "1")


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
        answers = predict_in_order(endless(), Delivery(client, CONTRACT), Batching(32, 4))
        for expected in range(500):
            frame, predictions = next(answers)
            assert frame.index == expected
            assert len(predictions.expression) == 0
            assert taken - expected < 200


def test_more_faces_in_one_frame_than_a_request_takes(server: ProtocolServer) -> None:
    frames = [seen_frame(0, 3), seen_frame(1, 150), seen_frame(2, 0), seen_frame(3, 1)]
    with InferenceClient(server.url, 10) as client:
        answers = list(predict_in_order(frames, Delivery(client, CONTRACT), Batching(32, 4)))
    assert [frame.index for frame, _ in answers] == [0, 1, 2, 3]
    for frame, predictions in answers:
        np.testing.assert_allclose(predictions.expression, expected_probabilities(frame.crops), atol=1e-6)
    assert max(server.batches) <= 32


def test_small_batches_give_the_same_answers_in_order(
    run: Command, face_video: Path, tmp_path: Path, server: ProtocolServer
) -> None:
    run(face_video, "--out", "large")
    run(face_video, "--out", "small", "--batch-size", "3", "--in-flight", "2")
    large, small = ((tmp_path / name / "face" / "faces.csv").read_text() for name in ("large", "small"))
    assert large == small
    assert max(server.batches) == 20
    assert server.most_under_way <= 2


def test_batches_respect_the_server(run: Command, face_video: Path, server: ProtocolServer) -> None:
    server.max_batch_size = 4
    assert run(face_video).returncode == 0
    assert sum(server.batches) == 20
    assert max(server.batches) == 4

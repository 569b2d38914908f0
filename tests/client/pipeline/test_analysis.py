"""One input under analysis holds no more than it must."""

import gc
from pathlib import Path

import cv2
import pytest

from fer_client.contract import Contract
from fer_client.faces.alignment import FaceCrops
from fer_client.faces.detection import choose_detector
from fer_client.inference.client import InferenceClient
from fer_client.media.discovery import find_inputs
from fer_client.pipeline.analysis import open_analysis
from fer_client.pipeline.context import Job
from fer_client.settings import Settings
from support.protocol_server import LABELS, ProtocolServer
from support.videos import face_frame, write_video

CONTRACT = Contract((8, 8, 1), tuple(LABELS), 64, False, "1")


def job_on(client: InferenceClient, **settings: int) -> Job:
    return Job(Settings(**settings), client, CONTRACT, choose_detector("lumaface", None, 0.7), "test")


def held_crops() -> list[FaceCrops]:
    """What is reachable in this process, earlier tests included."""
    gc.collect()
    return [held for held in gc.get_objects() if isinstance(held, FaceCrops)]


@pytest.mark.parametrize("name", ["clip.mp4", "face.png"])
def test_crops_are_let_go_once_they_were_looked_at(server: ProtocolServer, tmp_path: Path, name: str) -> None:
    write_video(tmp_path / "clip.mp4", [face_frame()] * 3)
    cv2.imwrite(str(tmp_path / "face.png"), face_frame())
    (source,) = find_inputs([str(tmp_path / name)], None).sources
    server.crop_shape = CONTRACT.crop_shape
    of_others = held_crops()
    with InferenceClient(server.url, 10) as client, open_analysis(source, job_on(client)) as analysis:
        frames = list(analysis.frames)
    assert [len(frame.boxes_xywh) for frame in frames] == [1] * len(frames)
    assert not [held for held in held_crops() if not any(held is other for other in of_others)]

"""What the client and the process that decodes say to each other."""

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fer_client.faces.alignment import FaceCrops
from fer_client.media.frame import VideoInfo
from fer_client.pipeline.sandbox import messages

INFO = VideoInfo("a.mp4", "h264", 320, 240, 0, 0.0, None, None)
CROPS = FaceCrops(
    3,
    0.5,
    np.array([[1, 2, 3, 4]], np.int32),
    np.array([np.nan], np.float32),
    np.full((1, 4, 4, 1), 7, np.uint8),
    True,
)


def reader(data: bytes) -> Callable[[int], bytes]:
    file = io.BytesIO(data)
    return file.read


def test_faces_come_as_they_were_sent() -> None:
    read = reader(messages.faces_message(CROPS))
    found = messages.read_faces(messages.read_message(read), read, (4, 4, 1))
    assert (found.index, found.time_s, found.starts_shot) == (3, 0.5, True)
    for name in ("boxes_xywh", "scores", "crops"):
        np.testing.assert_array_equal(getattr(found, name), getattr(CROPS, name), strict=True)


def test_a_description_comes_as_it_was_sent() -> None:
    said = messages.read_message(reader(messages.message("opened", info=messages.info_values(INFO))))
    assert messages.read_info(said, "a.mp4") == INFO


@pytest.mark.parametrize(
    "change",
    [
        {"width": "320"},
        {"width": True},
        {"start_s": float("nan")},
        {"start_s": 10**400},
        {"width": 10**400},
        {"height": -1},
        {"frame_count": -1},
        {"duration_s": "1"},
        {"codec": None},
        {"is_live": 1},
        {"more": 1},
    ],
)
def test_a_description_of_another_form(change: dict[str, Any]) -> None:
    said = json.loads(json.dumps({"info": messages.info_values(INFO) | change}))
    with pytest.raises(messages.WrongMessageError):
        messages.read_info(said, "a.mp4")


@pytest.mark.parametrize(
    "change",
    [{"count": -1}, {"count": 1 << 40}, {"index": 1.5}, {"time_s": float("inf")}, {"time_s": 10**400}],
)
def test_faces_of_another_form(change: dict[str, Any]) -> None:
    values = {"index": 0, "time_s": 0.0, "count": 0, "starts_shot": False}
    with pytest.raises(messages.WrongMessageError):
        messages.read_faces(values | change, reader(b""), (4, 4, 1))


@pytest.mark.parametrize(
    "data", [b"\xff\xff\xff\xff", b"\x02\0\0\0[]", b"\x01\0\0\0{", b"\xff\xff\0\0" + b"[" * 65535]
)
def test_what_is_no_message(data: bytes) -> None:
    with pytest.raises(messages.WrongMessageError):
        messages.read_message(reader(data))

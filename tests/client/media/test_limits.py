"""Videos of which a part is read, and the time of the clock at which frames came."""

import json
import threading
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fer_client import analyze
from fer_client.errors import InputError
from fer_client.media.network import open_stream
from fer_client.media.video import open_video
from support.command import Command, read_rows
from support.fault_record import FaultRecord
from support.protocol_server import ProtocolServer
from support.videos import (
    default_frames,
    uneven_ticks,
    write_video,
)
from support.web import web


def test_duration_ends_a_video_early(run: Command, face_video: Path, tmp_path: Path) -> None:
    assert run(face_video, "--duration", "0.5").returncode == 0
    rows = read_rows(tmp_path / "out" / "face" / "faces.csv")
    assert [float(row["time_s"]) for row in rows] == [
        round(tick / 12_800, 6) for tick in uneven_ticks(30) if tick < 6_400
    ]
    summary = json.loads((tmp_path / "out" / "face" / "summary.json").read_text())
    assert 0.4 < summary["seconds_analysed"] <= 0.5


class TestLive:
    def test_rows_have_the_time_of_the_clock(self, server: ProtocolServer, tmp_path: Path) -> None:
        write_video(tmp_path / "cam.ts", default_frames(), uneven_ticks(30))
        before = datetime.now(UTC)
        with web(tmp_path, closing := threading.Event()) as address:
            closing.set()  # the line ends with the file
            records = list(analyze(f"{address}/live/cam.ts", url=server.url, detector="lumaface"))
        after = datetime.now(UTC)
        came = [datetime.fromisoformat(str(record.wall_time)) for record in records]
        assert before - timedelta(milliseconds=1) <= came[0] <= after
        assert came[0].tzinfo == UTC
        for record, at in zip(records, came, strict=True):
            passed_s = record.time_s - records[0].time_s
            assert (at - came[0]).total_seconds() == pytest.approx(passed_s, abs=0.002)


def write_growing(path: Path) -> None:
    """A video of 64×48 pixels, then of 640×480, each frame with a size of its own, as PNG in QuickTime has."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb24"
        for index, (height, width) in enumerate([(48, 64)] * 3 + [(480, 640)] * 2):
            png = cv2.imencode(".png", np.zeros((height, width, 3), np.uint8))[1].tobytes()
            packet = av.Packet(png)
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, index, index, Fraction(1, 25)
            packet.is_keyframe = True
            container.mux(packet)


@pytest.mark.parametrize("most_pixels", [100_000, 200_000])
def test_frames_that_grow_beyond_what_is_allowed_are_refused(
    tmp_path: Path, most_pixels: int, faults: FaultRecord
) -> None:
    write_growing(tmp_path / "a.mov")
    with open_video(tmp_path / "a.mov", 1_000_000) as video:
        assert [frame.size_wh[0] for frame in video.frames()] == [64] * 3 + [640] * 2
    with open_video(tmp_path / "a.mov", most_pixels) as video, pytest.raises(InputError) as refused:
        list(video.frames(allow_corruption=most_pixels == 200_000))
    # What is larger than twice as much is not even decoded, and told as damage.
    assert ("640×480" in str(refused.value)) == (most_pixels == 200_000)
    faults.held("input", "a video whose frames grow beyond --max-pixels", "one sentence at the first of them")


def test_an_address_is_held_to_it_too(face_video: Path) -> None:
    with (
        web(face_video.parent, threading.Event()) as address,
        pytest.raises(InputError, match="--max-pixels"),
        open_stream(f"{address}/face.mp4", 1000),
    ):
        pass

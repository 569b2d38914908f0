"""Videos of which a part is read, and the time of the clock at which frames came."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fer_client import analyze
from support.command import Command, read_rows
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

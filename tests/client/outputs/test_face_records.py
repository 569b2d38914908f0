"""The columns of the table of faces."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fer_client.outputs.face_records import FaceRecord, columns
from support.command import Command
from support.videos import (
    default_frames,
    uneven_ticks,
    write_video,
)
from support.web import web


class TestLive:
    @pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
    def test_only_tables_of_live_streams_have_the_column(
        self, run: Command, face_video: Path, tmp_path: Path, form: str
    ) -> None:
        if form == "parquet":
            pytest.importorskip("pyarrow")
        write_video(tmp_path / "cam.ts", default_frames(), uneven_ticks(30))
        with web(tmp_path, closing := threading.Event()) as address:
            closing.set()
            assert run(f"{address}/live/cam.ts", face_video, "--format", form).returncode == 0
        tables = [
            (tmp_path / "out" / name / f"faces.{form}").read_bytes() for name in ("127.0.0.1-cam", "face")
        ]
        assert [b"wall_time" in table for table in tables] == [True, False]


LABELS = ("happy", "sad")


@pytest.mark.parametrize("came", [None, datetime(2026, 1, 2, tzinfo=UTC)])
def test_a_row_has_the_columns_of_its_table(came: datetime | None) -> None:
    wall_time = None if came is None else came.isoformat()
    row = FaceRecord(0, 0.0, "cam", wall_time=wall_time).named_row(LABELS)
    assert list(row) == list(columns(LABELS, is_live=came is not None))
    assert row.get("wall_time") == wall_time

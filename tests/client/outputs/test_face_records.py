"""The columns of the table of faces."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from fer_client.inference.client import Predictions
from fer_client.outputs.face_records import FaceRecord, columns, records
from fer_client.outputs.tables import CsvTable
from fer_client.temporal.frame import AnalysedFrame
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


def test_what_rounds_to_zero_has_no_sign(tmp_path: Path) -> None:
    answers = Predictions(np.array([[0.25, 0.75]], np.float32), np.array([[-1e-8, -0.5]], np.float32))
    boxes, scores = np.zeros((1, 4), np.int32), np.ones(1, np.float32)
    (record,) = records(AnalysedFrame(0, 0.0, boxes, scores, [1], answers, answers), LABELS, "cam")
    assert (str(record.valence), record.arousal, str(record.smooth_valence)) == ("0.0", -0.5, "0.0")
    with CsvTable(tmp_path, "faces", {"valence": float}) as table:
        table.write([-1e-8])
    assert (tmp_path / "faces.csv").read_text() == "valence\n0.000000\n"


@pytest.mark.parametrize("came", [None, datetime(2026, 1, 2, tzinfo=UTC)])
def test_a_row_has_the_columns_of_its_table(came: datetime | None) -> None:
    wall_time = None if came is None else came.isoformat()
    row = FaceRecord(0, 0.0, "cam", wall_time=wall_time).named_row(LABELS)
    assert list(row) == list(columns(LABELS, is_live=came is not None))
    assert row.get("wall_time") == wall_time

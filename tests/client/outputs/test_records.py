"""The columns of the table of faces."""

import threading
from pathlib import Path

import pytest

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

"""Tables in every format hold the same values; what Excel takes and what it does not."""

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import pytest

from fer_client.outputs.tables import XlsxTable
from support.command import Command, assert_fails, read_rows
from support.protocol_server import ProtocolServer
from support.results import stored_rows
from support.videos import face_frame


def test_all_formats_hold_the_same_values(
    run: Command, face_video: Path, tmp_path: Path, server: ProtocolServer
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    server.with_affect = True
    for form in ("csv", "jsonl", "parquet"):
        assert run(face_video, "--out", form, "--format", form).returncode == 0
    for name, least in (("faces", 30), ("episodes", 1)):
        table = parquet.read_table(tmp_path / "parquet" / "face" / f"{name}.parquet")
        types = {"double": float, "int64": int, "string": str}
        kinds = {field.name: types[str(field.type)] for field in table.schema}
        lines = (tmp_path / "jsonl" / "face" / f"{name}.jsonl").read_text().splitlines()
        texts = read_rows(tmp_path / "csv" / "face" / f"{name}.csv")
        from_csv = [
            {key: None if text == "" else kinds[key](text) for key, text in row.items()} for row in texts
        ]
        assert len(from_csv) >= least
        assert list(texts[0]) == table.column_names == list(json.loads(lines[0]))
        assert table.to_pylist() == [json.loads(line) for line in lines] == from_csv


class TestExcel:
    @pytest.fixture(autouse=True)
    def openpyxl(self) -> Any:
        return pytest.importorskip("openpyxl", reason="needs openpyxl")

    def test_numbers_are_numbers_and_names_are_text(
        self, openpyxl: Any, run: Command, tmp_path: Path
    ) -> None:
        cv2.imwrite(str(tmp_path / "=1+1.png"), face_frame())
        (tmp_path / "=1+1.png").rename(tmp_path / "=1\x01.png")
        assert run("=1\x01.png", "--format", "xlsx").returncode == 0
        path = next((tmp_path / "out").rglob("faces.xlsx"))
        sheet = openpyxl.load_workbook(path)["faces"]
        header, row = (list(line) for line in sheet.iter_rows())
        cells = {name.value: cell for name, cell in zip(header, row, strict=True)}
        assert (cells["source"].value, cells["source"].data_type) == ("=1\\x01.png", "s")
        assert (cells["frame"].value, cells["p_happy"].data_type) == (0, "n")
        assert cells["valence"].value is None
        assert sheet.freeze_panes == "A2"

    def test_more_rows_than_excel_takes(
        self, run: Command, face_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert XlsxTable.MOST_ROWS == 1_048_576
        monkeypatch.setattr(XlsxTable, "MOST_ROWS", 30)
        assert_fails(run(face_video, "--format", "xlsx"), 2, "faces.xlsx", "30 rows", "csv")
        assert not (tmp_path / "out" / "face").exists()
        monkeypatch.setattr(XlsxTable, "MOST_ROWS", 31)
        assert run(face_video, "--format", "xlsx").returncode == 0
        assert len(stored_rows(tmp_path / "out" / "face" / "faces.xlsx")) == 30


@pytest.mark.parametrize(("form", "package"), [("xlsx", "openpyxl"), ("parquet", "pyarrow")])
def test_a_format_whose_package_is_missing(
    run: Command, face_video: Path, monkeypatch: pytest.MonkeyPatch, form: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert_fails(run(face_video, "--format", form), 2, f"--format {form}", f"pip install {package}")

"""A result read back from its folder is what the run had in memory."""

from pathlib import Path

import numpy as np
import pytest

from fer_client.errors import UsageError
from fer_client.outputs.stored_result import load_result
from support.command import Command
from support.results import stored_rows

pytest.importorskip("pyarrow")
pytest.importorskip("openpyxl")


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "xlsx"])
def test_every_format_gives_the_columns_of_the_table(
    run: Command, face_video: Path, tmp_path: Path, form: str
) -> None:
    run(face_video, "--format", form)
    result = load_result(tmp_path / "out" / "face")
    rows = stored_rows(result.folder / f"faces.{form}")
    seen = [row for row in rows if row["x"] is not None]
    assert len(result.faces) == len(seen) > 0
    assert result.faces.boxes_xywh.tolist() == [[row[side] for side in "xywh"] for row in seen]
    assert result.faces.time_s.tolist() == [row["time_s"] for row in seen]
    column = result.labels.index("happy")
    assert np.allclose(result.faces.smoothed[:, column], [row["smooth_p_happy"] for row in seen])
    assert result.frames.tolist() == sorted({row["frame"] for row in rows})
    assert len(result.episodes) == sum(result.summary["overall"]["episodes"].values())


def test_photographs_have_no_tracks(run: Command, photographs: Path, tmp_path: Path) -> None:
    run(photographs)
    result = load_result(tmp_path / "out" / "photos" / "photographs")
    assert result.tracks == []
    assert result.faces.track.tolist() == [0] * len(result.faces)
    assert result.frames.tolist() == [0, 1, 2]


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Expected a result folder .* summary\.json"):
        load_result(tmp_path)


def test_a_table_that_somebody_changed_is_refused(run: Command, face_video: Path, tmp_path: Path) -> None:
    run(face_video)
    table = tmp_path / "out" / "face" / "faces.csv"
    table.write_text(table.read_text().replace("detection_score", "score"))
    with pytest.raises(UsageError, match="other columns or values"):
        load_result(table.parent)

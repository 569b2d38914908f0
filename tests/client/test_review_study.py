"""Tables that somebody has changed end nothing but the table over all inputs."""

import json
from pathlib import Path

import pytest

from support.command import Command, assert_fails
from support.videos import face_frame, write_picture, write_video


@pytest.mark.parametrize(
    ("form", "added"),
    [("csv", b"\n"), ("csv", b"1,2\n"), ("csv", b"\xff\xfe\n"), ("jsonl", b"{1\n"), ("jsonl", b"3\n")],
)
def test_an_earlier_table_that_was_changed_ends_in_a_sentence(
    run: Command, tmp_path: Path, form: str, added: bytes
) -> None:
    for name in ("a.mp4", "b.mp4"):
        write_video(tmp_path / name, [face_frame()] * 2)
    assert run("a.mp4", "b.mp4", "--format", form).returncode == 0
    table = tmp_path / "out" / "b" / f"faces.{form}"
    table.write_bytes(table.read_bytes() + added)
    combined = (tmp_path / "out" / f"faces.{form}").read_bytes()
    done = run("a.mp4", "b.mp4", "--format", form)
    assert_fails(done, 2, "out/b/faces", "--overwrite")
    assert "study" in done.stdout
    assert (tmp_path / "out" / f"faces.{form}").read_bytes() == combined


def test_an_earlier_summary_that_was_changed_ends_in_a_sentence(run: Command, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        write_video(tmp_path / name, [face_frame()] * 2)
    run("a.mp4", "b.mp4")
    path = tmp_path / "out" / "b" / "summary.json"
    result = json.loads(path.read_text())
    del result["tracks"]
    path.write_text(json.dumps(result))
    assert_fails(run("a.mp4", "b.mp4"), 2, "out/b/summary.json", "--overwrite")


def test_an_earlier_workbook_that_was_changed_is_shown_without_lines(run: Command, tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    write_picture(tmp_path / "a.png", face_frame())
    assert run("a.png", "--format", "xlsx").returncode == 0
    (tmp_path / "out" / "a" / "faces.xlsx").write_bytes(b"no workbook")
    done = run("a.png", "--format", "xlsx")
    assert done.returncode == 0, done.stderr
    assert "done before" in done.stdout

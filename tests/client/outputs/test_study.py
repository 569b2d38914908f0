"""The tables over all inputs of a run."""

import json
from pathlib import Path

import cv2
import pytest

from support.command import Command, assert_fails, read_rows
from support.protocol_server import LABELS, ProtocolServer
from support.results import stored_rows
from support.videos import empty_frame, face_frame, write_picture, write_video


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Two people with films of the same name, three frames with a face and two without, and photographs."""
    for person in ("p1", "p2"):
        (tmp_path / "study" / person).mkdir(parents=True)
        write_video(tmp_path / "study" / person / "talk.mp4", [face_frame()] * 3 + [empty_frame()] * 2)
    for name, picture in (("a.png", face_frame()), ("b.png", empty_frame())):
        cv2.imwrite(str(tmp_path / "study" / "p2" / name), picture)
    return tmp_path / "study"


FOLDERS = ("study/p1/talk", "study/p2/talk", "study/p2/photographs")


@pytest.mark.usefixtures("study")
class TestOverAll:
    def test_faces_of_all_inputs(self, run: Command, tmp_path: Path) -> None:
        done = run("study")
        assert done.returncode == 0, done.stderr
        assert "Wrote out/: faces.csv, study.csv, of 3 inputs" in done.stdout
        rows = read_rows(tmp_path / "out" / "faces.csv")
        parts = [read_rows(tmp_path / "out" / name / "faces.csv") for name in FOLDERS]
        assert [*rows[0]] == ["source", *list(parts[0][0])[:-1]]
        assert [row["source"] for row in rows] == [
            *["study/p1/talk"] * 5,
            *["study/p2/talk"] * 5,
            "study/p2/photographs/a.png",
            "study/p2/photographs/b.png",
        ]
        own = [{**row, "source": ""} for part in parts for row in part]
        assert [{**row, "source": ""} for row in rows] == own

    def test_a_line_per_input_and_face(self, run: Command, tmp_path: Path) -> None:
        run("study")
        lines = read_rows(tmp_path / "out" / "study.csv")
        assert [(line["source"], line["face"], line["kind"]) for line in lines] == [
            ("study/p1/talk", "all", "video"),
            ("study/p1/talk", "1", "video"),
            ("study/p2/talk", "all", "video"),
            ("study/p2/talk", "1", "video"),
            ("study/p2/photographs", "all", "photographs"),
        ]
        summary = json.loads((tmp_path / "out" / FOLDERS[0] / "summary.json").read_text())
        for line, part in zip(lines, [summary["overall"], *summary["tracks"]], strict=False):
            for label in LABELS:
                assert float(line[f"share_{label}"]) == part["share"][label]
                assert float(line[f"mean_p_{label}"]) == part["mean_probability"][label]
                assert int(line[f"episodes_{label}"]) == part["episodes"][label]
            assert line["dominant_expression"] == (part["dominant_expression"] or "")
            assert float(line["share_uncertain"]) == part["share"]["uncertain"]
            assert float(line["face_seconds"]) == part["face_seconds"]
            assert float(line["seconds_analysed"]) == summary["seconds_analysed"]
            assert (line["mean_valence"], line["mean_arousal"]) == ("", "")
        assert [line["seconds_without_face"] != "" for line in lines] == [True, False, True, False, True]
        assert (lines[1]["first_s"], lines[1]["frames"]) == ("0.000000", "3")
        assert (lines[4]["frames"], lines[4]["face_seconds"]) == ("1", "0.000000")

    def test_valence_and_arousal(self, run: Command, tmp_path: Path, server: ProtocolServer) -> None:
        server.with_affect = True
        run("study/p1")
        line = read_rows(tmp_path / "out" / "study.csv")[0]
        assert (line["mean_valence"], line["mean_arousal"]) == ("0.250000", "-0.500000")

    def test_its_own_tables_are_replaced_also_with_other_labels(
        self, run: Command, tmp_path: Path, server: ProtocolServer
    ) -> None:
        run("study/p1")
        server.labels = ["calm", "lively"]
        done = run("study/p1")
        assert done.returncode == 0, done.stderr
        assert "share_calm" in read_rows(tmp_path / "out" / "study.csv")[0]
        assert "p_calm" in read_rows(tmp_path / "out" / "faces.csv")[0]

    def test_one_input_by_itself_has_none(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        assert run(face_video).returncode == 0
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["face"]

    def test_inputs_that_were_done_before_are_in_them(self, run: Command, tmp_path: Path) -> None:
        run("study/p1")
        run("study/p2")
        assert {row["source"] for row in read_rows(tmp_path / "out" / "study.csv")} == {
            "p2/talk",
            "p2/photographs",
        }
        assert run("study/p1", "study/p2").returncode == 0
        whole = (tmp_path / "out" / "faces.csv").read_bytes()
        assert whole.count(b"p1/talk") == 5
        run("study/p1", "study/p2", "--overwrite")
        assert (tmp_path / "out" / "faces.csv").read_bytes() == whole

    def test_an_input_that_fails_is_not_in_them(self, run: Command, tmp_path: Path) -> None:
        assert_fails(run("study/p1/talk.mp4", "nowhere.mp4"), 3, "nowhere.mp4")
        assert {line["source"] for line in read_rows(tmp_path / "out" / "study.csv")} == {"talk"}

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("faces.csv", "frame,time_s\n"),
            ("study.csv", "person,age\n1,30\n"),
            ("study.csv", ""),
            ("study.csv", "\0\udcff"),
        ],
    )
    def test_a_file_of_the_user_stays(self, run: Command, tmp_path: Path, name: str, content: str) -> None:
        (tmp_path / "out").mkdir()
        own = tmp_path / "out" / name
        own.write_text(content, encoding="utf-8", errors="surrogateescape")
        assert_fails(run("study/p1"), 2, f"out/{name}", "did not write", "--out")
        assert own.read_text(encoding="utf-8", errors="surrogateescape") == content
        assert (tmp_path / "out" / "p1" / "talk" / "summary.json").exists()
        other = {"faces.csv", "study.csv"} - {name}
        assert (tmp_path / "out" / other.pop()).exists()

    def test_a_link_of_the_user_stays(self, run: Command, tmp_path: Path) -> None:
        run("study/p1")
        (tmp_path / "out" / "study.csv").rename(tmp_path / "mine.csv")
        (tmp_path / "out" / "study.csv").symlink_to(tmp_path / "mine.csv")
        assert_fails(run("study/p1"), 2, "out/study.csv")
        assert (tmp_path / "out" / "study.csv").is_symlink()

    def test_a_run_that_ends_early_leaves_them(self, run: Command, tmp_path: Path) -> None:
        run("study")
        before = (tmp_path / "out" / "study.csv").read_bytes()
        assert run("study/p1", "--overwrite", "--url", "127.0.0.1:9").returncode == 4
        assert (tmp_path / "out" / "study.csv").read_bytes() == before

    def test_a_table_that_somebody_changed_is_named(self, run: Command, tmp_path: Path) -> None:
        run("study")
        (tmp_path / "out" / FOLDERS[0] / "faces.csv").write_text("frame,name\n0,Ada\n")
        assert_fails(run("study"), 2, "study/p1/talk/faces.csv", "columns", "--overwrite")

    @pytest.mark.parametrize("form", ["jsonl", "parquet", "xlsx"])
    def test_all_formats_hold_the_same_values(
        self, run: Command, tmp_path: Path, server: ProtocolServer, form: str
    ) -> None:
        pytest.importorskip({"parquet": "pyarrow", "xlsx": "openpyxl"}.get(form, "json"))
        server.with_affect = True
        run("study")
        done = run("study", "--format", form)
        assert done.returncode == 0, done.stderr
        for name in ("faces", "study"):
            table = stored_rows(tmp_path / "out" / f"{name}.csv")
            assert table
            assert stored_rows(tmp_path / "out" / f"{name}.{form}") == table
        assert run("study", "--format", form).returncode == 0  # its own tables are known again


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

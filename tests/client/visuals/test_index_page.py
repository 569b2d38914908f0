"""The page above several results."""

import re
from pathlib import Path

import pytest

from support.command import Command
from support.videos import empty_frame, write_video

pytest.importorskip("bokeh", reason="needs the extra `report`")
pytest.importorskip("jinja2", reason="needs the extra `report`")


@pytest.fixture
def study(tmp_path: Path, face_video: Path) -> Path:
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "a <b>.mp4").write_bytes(face_video.read_bytes())
    write_video(folder / "none.mp4", [empty_frame()] * 5)
    return folder


def test_it_leads_to_every_report(run: Command, study: Path, tmp_path: Path) -> None:
    done = run(study, "--report")
    assert done.returncode == 0
    assert "index.html" in done.stdout
    html = (tmp_path / "out" / "index.html").read_text()
    links = re.findall(r'<a href="([^"#]*)">([^<]*)</a>', html)
    assert links == [
        ("study/a%20%3Cb%3E/report.html", "study/a &lt;b&gt;"),
        ("study/none/report.html", "study/none"),
    ]
    assert len(re.findall('<img src="data:image/jpeg;base64,', html)) == 2
    assert "No face was found" in html


def test_it_is_written_again(run: Command, study: Path, tmp_path: Path) -> None:
    run(study, "--report")
    (study / "none.mp4").unlink()
    assert run(study, "--report").returncode == 0
    assert "study/none" not in (tmp_path / "out" / "index.html").read_text()


def test_a_file_of_the_user_s_stays(run: Command, study: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    page = tmp_path / "out" / "index.html"
    page.write_text("<html>mine</html>")
    done = run(study, "--report")
    assert done.returncode == 2
    assert "index.html is a file that fer-client did not write" in done.stderr
    assert page.read_text() == "<html>mine</html>"
    assert (tmp_path / "out" / "study.csv").is_file()
    assert not list((tmp_path / "out").glob(".fer-*"))


def test_without_reports_there_is_none(run: Command, study: Path, tmp_path: Path) -> None:
    run(study)
    assert not (tmp_path / "out" / "index.html").exists()

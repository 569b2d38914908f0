"""The page above several results."""

import re
from pathlib import Path

import pytest

from fer_client.outputs.stored_result import load_result
from fer_client.outputs.study import Part
from fer_client.visuals.index_page import write_index
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
    assert len(re.findall(' poster="data:image/jpeg;base64,', html)) == 2
    assert "No face was found" in html


def videos(out: Path) -> list[str]:
    """Where the page takes its videos from."""
    return re.findall(r'<video [^>]*src="([^"]*)"', (out / "index.html").read_text())


def test_it_plays_the_inputs_from_where_they_stand(run: Command, study: Path, tmp_path: Path) -> None:
    run(study, "--report")
    assert videos(tmp_path / "out") == ["../study/a%20%3Cb%3E.mp4", "../study/none.mp4"]
    assert "media-src blob: file: &#39;self&#39;;" in (tmp_path / "out" / "index.html").read_text()


def test_it_plays_the_marked_copies_where_there_are_any(run: Command, study: Path, tmp_path: Path) -> None:
    run(study, "--report", "--annotate")
    assert videos(tmp_path / "out") == ["study/a%20%3Cb%3E/annotated.mp4", "study/none/annotated.mp4"]


def test_it_never_plays_a_face_that_is_to_be_hidden(run: Command, study: Path, tmp_path: Path) -> None:
    run(study, "--annotate")
    run(study, "--report", "--anonymize")
    assert videos(tmp_path / "out") == ["study/a%20%3Cb%3E/anonymized.mp4", "study/none/anonymized.mp4"]
    for copy in (tmp_path / "out").rglob("anonymized.mp4"):
        copy.unlink()
    parts = [
        Part(folder, folder.relative_to(tmp_path / "out").as_posix(), load_result(folder).summary)
        for folder in sorted((tmp_path / "out" / "study").iterdir())
    ]
    write_index(tmp_path / "out", parts)
    assert videos(tmp_path / "out") == []
    assert "<img" in (tmp_path / "out" / "index.html").read_text()


def test_what_a_browser_does_not_play_has_its_picture(run: Command, study: Path, tmp_path: Path) -> None:
    (study / "none.mp4").rename(study / "none.mkv")
    run(study, "--report")
    assert videos(tmp_path / "out") == ["../study/a%20%3Cb%3E.mp4"]
    assert (
        len(re.findall('<img src="data:image/jpeg;base64,', (tmp_path / "out/index.html").read_text())) == 1
    )


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

"""The report of the command: what is in it, what is not, and how a user is told."""

import base64
import gzip
import io
import json
import re
import threading
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import av
import cv2
import numpy as np
import pytest

from fer_client.errors import InputError
from fer_client.faces.detection import lumaface
from fer_client.media.sources import Photographs, Stream
from fer_client.visuals import report_media
from fer_client.visuals.face_columns import pack_faces
from fer_client.visuals.measured import measured
from fer_client.visuals.pages.bokeh_figures import PACKAGES
from fer_client.visuals.pages.template import render
from fer_client.visuals.report import timed_page
from fer_client.visuals.report_media import Media
from support.command import Command, assert_fails
from support.protocol_server import ProtocolServer
from support.stored_results import made_up
from support.videos import empty_frame, write_video
from support.visuals import nothing, request
from support.web import web

pytest.importorskip("bokeh", reason="needs the extra `report`")
pytest.importorskip("jinja2", reason="needs the extra `report`")


BOX = (90, 40, 90, 110)


def block(html: str, name: str) -> Any:
    """Read a block of JSON of the page."""
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', html)
    assert found is not None
    return json.loads(found[1])


def text(html: str, name: str) -> str:
    found = re.search(rf'<script type="text/plain" id="{name}">(.*?)</script>', html)
    assert found is not None
    return found[1]


@pytest.fixture
def page(run: Command, face_video: Path, tmp_path: Path) -> str:
    assert run(face_video, "--report").returncode == 0
    return (tmp_path / "out" / "face" / "report.html").read_text()


def test_it_holds_the_video_the_faces_and_the_episodes(page: str) -> None:
    with av.open(io.BytesIO(base64.b64decode(text(page, "packed-video")))) as video:
        assert video.streams.video[0].codec_context.name == "h264"
    assert block(page, "facts")["tracks"] == [1]
    assert sum(block(page, "faces")["counts"]) == 20
    episodes = json.loads(gzip.decompress(base64.b64decode(text(page, "packed-episodes"))))
    assert [episode["track"] for episode in episodes] == [1] * len(episodes)
    assert page.count("data:image/jpeg;base64,") == 5
    assert episodes


def test_valence_and_arousal_are_shown_where_served_and_said_to_be_weak(
    run: Command, face_video: Path, tmp_path: Path, server: ProtocolServer, page: str
) -> None:
    assert "affect-title" not in page
    server.with_affect = True
    run(face_video, "--report", "--overwrite")
    html = (tmp_path / "out" / "face" / "report.html").read_text()
    assert "affect-title" in html
    assert re.search(r"weakly\s+supervised", html)


def test_an_earlier_result_gets_one_without_being_analysed_again(
    run: Command, face_video: Path, tmp_path: Path
) -> None:
    run(face_video)
    before = (tmp_path / "out" / "face" / "faces.csv").stat().st_mtime_ns
    assert "done before" in run(face_video, "--report").stdout
    assert (tmp_path / "out" / "face" / "report.html").is_file()
    assert (tmp_path / "out" / "face" / "faces.csv").stat().st_mtime_ns == before


def test_it_says_how_it_was_measured(page: str, tmp_path: Path) -> None:
    told = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page))
    summary = json.loads((tmp_path / "out" / "face" / "summary.json").read_text())
    assert "How this was measured" in page
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", told["analysed"])
    assert told["input"].startswith("h264, 320×240, ")
    assert told["frames"].startswith("30 of 30 frames analysed")
    assert told["network"].startswith(f"version {summary['models']['fer']}, ")
    assert len(re.findall(r"[a-z]+ \d+\.\d %", told["its answers for four drawn faces"])) == 4
    assert told["face detector"].startswith("LumaFace, fingerprint ")
    assert told["server"] == summary["server"]
    assert told["program"] == f"fer-client {summary['models']['client']}"
    assert {"--detect-every 6", "--smooth 0.5"} <= set(told["settings"].split(", "))
    assert "--fps" not in told["settings"]
    assert str(tmp_path) not in page


@pytest.mark.parametrize("kind", ["photographs", "without faces"])
def test_every_page_says_how_it_was_measured(
    run: Command, photographs: Path, tmp_path: Path, kind: str
) -> None:
    if kind == "photographs":
        run(photographs, "--report")
    else:
        write_video(tmp_path / "empty.mp4", [empty_frame()] * 5)
        run(tmp_path / "empty.mp4", "--report")
    (page,) = (tmp_path / "out").rglob("report.html")
    assert "<dt>network</dt><dd>version " in page.read_text()


def test_what_a_server_says_of_itself_is_escaped(run: Command, face_video: Path, tmp_path: Path) -> None:
    run(face_video)
    place = tmp_path / "out" / "face" / "summary.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | {"server": "<img src=x>\u202e"}))
    run(face_video, "--report")
    html = (tmp_path / "out" / "face" / "report.html").read_text()
    assert "<img src=x>" not in html
    assert "<dd>&lt;img src=x&gt;\\u202e</dd>" in html


def test_a_result_of_another_release_tells_less() -> None:
    asked = made_up(1, 1).summary
    assert measured(asked) == [
        ("frames", "30 of 30 frames analysed"),
        ("its labels", ", ".join(asked["models"]["labels"])),
        ("settings", "--min-confidence 0.5"),
    ]


@pytest.mark.parametrize("name", ["<script>alert(1)<∕script>.mp4", "\"'&.mp4", "a\u202egpj.mp4"])
def test_a_name_is_harmless(run: Command, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_video(path)
    assert run(path, "--report").returncode == 0
    (report,) = (tmp_path / "out").glob("*/report.html")
    html = report.read_text()
    assert "<script>alert" not in html
    assert "\u202e" not in html
    assert len(re.findall(r"<script>", html)) == 1


def test_a_result_without_faces_says_so(run: Command, tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    write_video(path, [empty_frame()] * 5)
    assert run(path, "--report").returncode == 0
    assert "No face was found" in (tmp_path / "out" / "empty" / "report.html").read_text()


def test_photographs_get_a_gallery(run: Command, photographs: Path, tmp_path: Path) -> None:
    assert run(photographs, "--report").returncode == 0
    html = (tmp_path / "out" / "photos" / "photographs" / "report.html").read_text()
    faces = block(html, "photographed")
    assert [face["source"] for face in faces] == ["2 face.png", "10 face.jpg"]
    assert all(face["picture"].startswith("data:image/jpeg") for face in faces)


def test_photographs_show_what_is_uncertain(run: Command, photographs: Path, tmp_path: Path) -> None:
    assert run(photographs, "--report", "--min-confidence", 0.999).returncode == 0
    html = (tmp_path / "out" / "photos" / "photographs" / "report.html").read_text()
    faces = block(html, "photographed")
    assert [face["shown"] for face in faces] == ["uncertain"] * 2
    assert "uncertain" not in {face["expression"] for face in faces}
    assert "<option>uncertain</option>" in html


def test_a_film_of_pictures_has_its_copy(run: Command, photographs: Path, tmp_path: Path) -> None:
    assert run(photographs, "--sequence-fps", 2, "--report").returncode == 0
    html = (tmp_path / "out" / "photos" / "report.html").read_text()
    with av.open(io.BytesIO(base64.b64decode(text(html, "packed-video")))) as video:
        assert [float(frame.time) for frame in video.decode(video=0)] == [0.0, 0.5, 1.0]


def test_a_long_video_is_referred_to(
    run: Command, tmp_path: Path, face_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_media, "MOST_SECONDS", 0.1)
    path = tmp_path / "a b?.mp4"
    path.write_bytes(face_video.read_bytes())
    run(path, "--report")
    (report,) = (tmp_path / "out").glob("*/report.html")
    html = report.read_text()
    assert text(html, "packed-video") == ""
    assert block(html, "facts")["media"]["href"] == "../../a%20b%3F.mp4"


def test_a_missing_package_is_told_before_anything_is_analysed(
    run: Command, face_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PACKAGES, "Bokeh", "no_such_package_at_all")
    assert_fails(run(face_video, "--report"), 2, "Bokeh", "pip install bokeh jinja2")
    assert not (tmp_path / "out").exists()


def test_a_long_result_is_packed_more_coarsely_until_there_is_room() -> None:
    result = made_up(40, 4)
    fine, coarse = pack_faces(result, result.tracks), pack_faces(result, result.tracks, room=40_000)
    assert fine["step"] == 1e-6
    assert coarse["step"] > fine["step"]
    assert len(coarse["text"]) <= 40_000
    assert {name for name, *_ in coarse["columns"]} < {name for name, *_ in fine["columns"]}


def test_the_length_does_not_count_from_zero() -> None:
    html = render(timed_page(made_up(12, 1, start_s=3600), Media({"kind": "none", "reason": "made up"})))
    assert re.search(r'class="headline">0:12', html)


def test_what_an_address_gives_again_is_shown(run: Command, face_video: Path, tmp_path: Path) -> None:
    with web(face_video.parent, threading.Event()) as address:
        assert run(f"{address}/face.mp4", "--report").returncode == 0
    (report,) = (tmp_path / "out").glob("*/report.html")
    with av.open(io.BytesIO(base64.b64decode(text(report.read_text(), "packed-video")))) as video:
        assert list(video.decode(video=0))


def test_an_address_that_is_gone_leaves_a_page_without_pictures(face_video: Path) -> None:
    with web(face_video.parent, threading.Event()) as address:
        url = f"{address}/face.mp4"
    gone = replace(request(face_video, [(0, 1, BOX)]), source=Stream(PurePosixPath("."), (), url))
    gone.result.summary["input"]["fingerprint"] = None
    gone.result.summary["tracks"] = []
    assert "could not be read again" in report_media.make_media(gone, nothing).facts["reason"]


def test_a_live_stream_has_a_page_without_pictures(face_video: Path) -> None:
    asked = request(face_video, [(0, 1, BOX)])
    asked.result.summary["video"]["is_live"] = True
    assert "live stream" in report_media.make_media(asked, nothing).facts["reason"]


@pytest.mark.parametrize("kind", ["video", "photographs"])
def test_an_input_that_has_changed_gets_no_report(face_video: Path, photographs: Path, kind: str) -> None:
    changed = request(face_video, [(0, 1, BOX)])
    if kind == "photographs":
        changed = replace(changed, source=Photographs(PurePosixPath("."), (photographs / "2 face.png",)))
    changed.result.summary["input"]["fingerprint"] = "another"
    changed.result.summary["tracks"] = []
    with pytest.raises(InputError, match="has changed since"):
        report_media.make_media(changed, nothing)


def test_it_hides_faces_in_every_picture(run: Command, face_video: Path, tmp_path: Path) -> None:
    assert run(face_video, "--report", "--anonymize").returncode == 0
    html = (tmp_path / "out" / "face" / "report.html").read_text()
    data = [
        base64.b64decode(found) for found in re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", html)
    ]
    assert len(data) == 5
    middles = [
        cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)[20:-20, 20:-20]
        for jpeg in data[:-1]
    ]
    assert max(float(middle.std()) for middle in middles) < 3  # one colour, where a face's features were
    with av.open(io.BytesIO(base64.b64decode(text(html, "packed-video")))) as video:
        frames = [frame.to_ndarray(format="gray") for frame in video.decode(video=0)]
    found = [len(lumaface(0.7).detect(frame).boxes_xywh) for frame in frames]
    assert found == [0] * len(frames)

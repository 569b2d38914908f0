"""Photographs, sequences, lists and addresses through the whole command."""

import io
import json
import os
import pty
import re
import resource
import select
import signal
import struct
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fer_client import analyze
from fer_client.errors import InputError
from fer_client.media.images import picture_frame, read_picture
from fer_client.media.network import open_stream
from fer_client.media.video import open_video
from support.command import Command, assert_fails, read_rows, start
from support.heif import write_tiles, write_whole
from support.protocol_server import ProtocolServer
from support.videos import (
    default_frames,
    empty_frame,
    face_frame,
    stored,
    turned,
    uneven_ticks,
    write_picture,
    write_video,
)
from support.web import web


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    write_picture(folder / "2 face.png", face_frame())
    write_picture(folder / "10 face.jpg", face_frame(20))
    write_picture(folder / "11 empty.webp", empty_frame())
    return folder


def peak_memory() -> int:
    """In bytes, of this process since it began."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


class TestPhotographs:
    def test_a_folder_gives_one_table_with_a_row_per_face(
        self, run: Command, photographs: Path, tmp_path: Path
    ) -> None:
        done = run(photographs.name)
        assert done.returncode == 0, done.stderr
        assert "3 of 3 photographs" in done.stdout
        folder = tmp_path / "out" / "photos" / "photographs"
        rows = read_rows(folder / "faces.csv")
        assert [(row["source"], row["frame"], row["expression"] != "", row["track"]) for row in rows] == [
            ("2 face.png", "0", True, ""),
            ("10 face.jpg", "1", True, ""),
            ("11 empty.webp", "2", False, ""),
        ]
        assert rows[0]["smooth_expression"] == rows[0]["expression"]
        summary = json.loads((folder / "summary.json").read_text())
        assert (summary["overall"]["faces"], summary["overall"]["face_seconds"]) == (2, 0)
        assert sum(summary["overall"]["share"].values()) == pytest.approx(1)
        assert read_rows(folder / "episodes.csv") == []

    def test_a_photograph_by_itself(self, run: Command, photographs: Path, tmp_path: Path) -> None:
        assert run(photographs / "2 face.png").returncode == 0
        assert len(read_rows(tmp_path / "out" / "2 face" / "faces.csv")) == 1

    def test_one_that_cannot_be_read_stops_no_other(
        self, run: Command, photographs: Path, tmp_path: Path
    ) -> None:
        (photographs / "1 cut.jpg").write_bytes((photographs / "10 face.jpg").read_bytes()[:3000])
        assert_fails(run("photos"), 3, "1 cut.jpg", "expected a picture")
        assert len(read_rows(tmp_path / "out" / "photos" / "photographs" / "faces.csv")) == 3
        assert_fails(run("photos"), 3, "1 cut.jpg")

    def test_one_without_permission_stops_no_other(
        self, run: Command, photographs: Path, tmp_path: Path
    ) -> None:
        closed = photographs / "2 face.png"
        closed.chmod(0)
        if os.access(closed, os.R_OK):
            pytest.skip("this user may read everything")
        assert_fails(run("photos"), 3, "2 face.png", "Permission denied")
        assert len(read_rows(tmp_path / "out" / "photos" / "photographs" / "faces.csv")) == 2

    def test_none_that_can_be_read(self, run: Command, tmp_path: Path) -> None:
        (tmp_path / "photos").mkdir()
        (tmp_path / "photos" / "a.jpg").write_bytes(b"no picture")
        assert_fails(run("photos"), 3, "a.jpg")
        assert_fails(run("photos/a.jpg"), 3, "a.jpg")
        assert not list((tmp_path / "out").rglob("faces.csv"))

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_exif_orientation(self, tmp_path: Path, orientation: int) -> None:
        """A picture stored so that the orientation turns it back comes out as it was."""
        upright = np.full((48, 80, 3), 30, np.uint8)
        upright[:16, :24] = 220
        write_picture(tmp_path / "a.jpg", stored(upright, orientation), orientation)
        picture = read_picture(tmp_path / "a.jpg")
        assert picture.shape == upright.shape
        assert np.abs(picture.astype(int) - upright).mean() < 3

    def test_a_photograph_in_tiles_is_read_whole_or_refused(
        self, run: Command, photographs: Path, tmp_path: Path
    ) -> None:
        """A HEIC photograph of a phone is a grid of tiles, each of which FFmpeg takes for a picture."""
        upright = cv2.resize(face_frame(), (512, 384))
        write_tiles(photographs / "12 phone.heic", np.ascontiguousarray(np.rot90(upright)), 128, 3)
        done = run("photos")
        rows = read_rows(tmp_path / "out" / "photos" / "photographs" / "faces.csv")
        if find_spec("pillow_heif") is None:
            assert_fails(done, 3, "12 phone.heic", "stored in tiles", "pip install pillow-heif", "JPEG")
            assert len(rows) == 3
        else:
            assert done.returncode == 0, done.stderr
            assert [row["expression"] != "" for row in rows if row["source"] == "12 phone.heic"] == [True]
            picture = read_picture(photographs / "12 phone.heic")
            assert np.abs(picture.astype(int) - upright).mean() < 4

    def test_tiles_need_a_package(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "pillow_heif", None)
        write_tiles(tmp_path / "a.heic", cv2.resize(face_frame(), (256, 256)), 128)
        with pytest.raises(InputError, match="pip install pillow-heif"):
            read_picture(tmp_path / "a.heic")
        (tmp_path / "a.heic").rename(tmp_path / "a.mp4")
        with pytest.raises(InputError, match="in tiles"), open_video(tmp_path / "a.mp4"):
            pass

    def test_a_heic_photograph_in_one_piece(self, tmp_path: Path) -> None:
        upright = cv2.resize(face_frame(), (256, 256))
        write_whole(tmp_path / "a.heic", np.ascontiguousarray(np.rot90(upright)), 3)
        assert np.abs(read_picture(tmp_path / "a.heic").astype(int) - upright).mean() < 4
        data = (tmp_path / "a.heic").read_bytes()
        (tmp_path / "a.heic").write_bytes(data[: len(data) // 2])
        with pytest.raises(InputError, match="expected a picture"):
            read_picture(tmp_path / "a.heic")

    @pytest.mark.parametrize("size_wh", [(16_255, 16_255), (16_256, 16_256), (1 << 20, 100), (1 << 20, 200)])
    def test_a_picture_too_large_for_a_frame(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size_wh: tuple[int, int]
    ) -> None:
        write_picture(tmp_path / "a.png", empty_frame())
        broad = np.broadcast_to(np.uint8(0), (*size_wh[::-1], 3))
        monkeypatch.setattr("cv2.imdecode", lambda *_: broad)
        try:
            av.VideoFrame(*size_wh, "bgr24")
        except ValueError:
            with pytest.raises(InputError, match=f"{size_wh[0]}×{size_wh[1]}"):
                read_picture(tmp_path / "a.png")
        else:
            assert read_picture(tmp_path / "a.png").shape == broad.shape

    def test_a_damaged_picture_takes_no_memory(self, tmp_path: Path) -> None:
        write_picture(tmp_path / "a.png", empty_frame())
        data = bytearray((tmp_path / "a.png").read_bytes())
        (tmp_path / "a.png").write_bytes(data + b"more")
        assert read_picture(tmp_path / "a.png").shape == empty_frame().shape
        place = data.index(b"IDAT")
        data[place - 4 : place] = struct.pack(">I", 1 << 31)
        (tmp_path / "a.png").write_bytes(data)
        before = peak_memory()
        with pytest.raises(InputError, match="damaged"):
            read_picture(tmp_path / "a.png")
        assert peak_memory() - before < 1 << 30

    def test_luma_of_a_picture(self) -> None:
        frame = picture_frame(3, 0.5, np.full((20, 31, 3), (0, 0, 255), np.uint8))
        assert (frame.index, frame.time_s, frame.size_wh, frame.is_full_range) == (3, 0.5, (31, 20), True)
        assert np.unique(frame.luma).tolist() == [76]
        assert frame.rgb()[0, 0].tolist() == [255, 0, 0]


class TestSequences:
    def test_pictures_as_a_film(self, run: Command, tmp_path: Path) -> None:
        (tmp_path / "shots").mkdir()
        for number in (3, 4, 5, 8):
            write_picture(tmp_path / "shots" / f"{number:05d}.png", face_frame(number))
        done = run("shots/%05d.png", "--sequence-fps", "5")
        assert done.returncode == 0, done.stderr
        rows = read_rows(tmp_path / "out" / "shots" / "faces.csv")
        assert [row["time_s"] for row in rows] == ["0.000000", "0.200000", "0.400000", "1.000000"]
        assert [row["source"] for row in rows] == ["00003.png", "00004.png", "00005.png", "00008.png"]
        assert {row["track"] for row in rows} == {"1"}
        summary = json.loads((tmp_path / "out" / "shots" / "summary.json").read_text())
        assert summary["seconds_analysed"] == pytest.approx(1.2)

    def test_a_damaged_picture(self, run: Command, tmp_path: Path) -> None:
        (tmp_path / "shots").mkdir()
        for number in range(3):
            write_picture(tmp_path / "shots" / f"{number}.png", empty_frame())
        (tmp_path / "shots" / "1.png").write_bytes(b"no picture")
        assert_fails(run("shots", "--sequence-fps", "5"), 3, "1.png")
        done = run("shots", "--sequence-fps", "5", "--partial")
        assert done.returncode == 0
        assert "1.png cannot be read" in done.stdout
        times = [row["time_s"] for row in read_rows(tmp_path / "out" / "shots" / "faces.csv")]
        assert times == ["0.000000", "0.400000"]

    def test_a_damaged_first_picture(self, run: Command, tmp_path: Path) -> None:
        (tmp_path / "shots").mkdir()
        (tmp_path / "shots" / "0.png").write_bytes(b"no picture")
        assert_fails(run("shots", "--sequence-fps", "5", "--partial"), 3, "0.png", "expected a picture")
        for number in (1, 2):
            write_picture(tmp_path / "shots" / f"{number}.png", empty_frame())
        assert_fails(run("shots", "--sequence-fps", "5"), 3, "0.png")
        done = run("shots", "--sequence-fps", "5", "--partial")
        assert done.returncode == 0, done.stderr
        summary = json.loads((tmp_path / "out" / "shots" / "summary.json").read_text())
        assert (summary["video"]["width"], summary["frames_analysed"]) == (empty_frame().shape[1], 2)
        assert "0.png cannot be read" in summary["video"]["damage"]


def test_a_list_on_standard_input(
    run: Command, face_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{face_video}\nnowhere.mp4\n".encode())))
    assert_fails(run("-"), 3, "nowhere.mp4")
    assert (tmp_path / "out" / "face" / "faces.csv").exists()


def test_duration_ends_a_video_early(run: Command, face_video: Path, tmp_path: Path) -> None:
    assert run(face_video, "--duration", "0.5").returncode == 0
    rows = read_rows(tmp_path / "out" / "face" / "faces.csv")
    assert [float(row["time_s"]) for row in rows] == [
        round(tick / 12_800, 6) for tick in uneven_ticks(30) if tick < 6_400
    ]
    summary = json.loads((tmp_path / "out" / "face" / "summary.json").read_text())
    assert 0.4 < summary["seconds_analysed"] <= 0.5


class TestAddresses:
    def test_a_video_on_the_web(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        with web(face_video.parent, threading.Event()) as address:
            done = run(f"{address}/face.mp4?key=hidden")
        assert done.returncode == 0, done.stderr
        assert len(read_rows(tmp_path / "out" / "127.0.0.1-face" / "faces.csv")) == 30
        text = (tmp_path / "out" / "127.0.0.1-face" / "summary.json").read_text() + done.stdout + done.stderr
        assert "secret" not in text
        assert "hidden" not in text

    def test_a_turned_video_on_the_web(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        (tmp_path / "turned.mp4").write_bytes(turned(face_video.read_bytes(), (0, 1, -1, 0)))
        with web(tmp_path, threading.Event()) as address:
            assert run(f"{address}/turned.mp4").returncode == 0
        video = json.loads((tmp_path / "out" / "127.0.0.1-turned" / "summary.json").read_text())["video"]
        assert (video["width"], video["height"], video["rotation_deg"]) == (240, 320, 270)

    def test_a_playlist_on_the_web_reads_no_file_of_this_machine(self, run: Command, tmp_path: Path) -> None:
        write_video(tmp_path / "own.ts")
        head = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:2,\n"
        for name, segment in (("web", "own.ts"), ("local", f"file://{tmp_path}/own.ts")):
            (tmp_path / f"{name}.m3u8").write_text(f"{head}{segment}\n#EXT-X-ENDLIST\n")
        with web(tmp_path, threading.Event()) as address:
            assert run(f"{address}/web.m3u8").returncode == 0
            assert_fails(run(f"{address}/local.m3u8"), 3, "local.m3u8")

    def test_nothing_at_the_address(self, run: Command, face_video: Path) -> None:
        with web(face_video.parent, threading.Event()) as address:
            done = run(f"{address}/nowhere.mp4")
        assert_fails(done, 3, "nowhere.mp4", "404")
        assert "secret" not in done.stderr
        assert_fails(run("rtsp://127.0.0.1:9/cam"), 3, "rtsp://127.0.0.1:9/cam", "cannot be opened")
        assert_fails(run("gopher://here/x"), 3, "http, https, rtsp")

    def test_silence_ends_in_time(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("fer_client.media.network.TIMEOUT_S", 0.3)
        (tmp_path / "still.ts").write_bytes(b"\x47" + bytes(100))
        with (
            web(tmp_path, threading.Event()) as address,
            pytest.raises(InputError, match=r"within 0\.3 s"),
            open_stream(f"{address}/live/still.ts"),
        ):
            pass

    def test_ctrl_c_ends_a_live_stream_and_keeps_what_came(
        self, server: ProtocolServer, tmp_path: Path
    ) -> None:
        write_video(tmp_path / "cam.ts", default_frames() * 4, uneven_ticks(120))
        with web(tmp_path, closing := threading.Event()) as address:
            arguments = [f"{address}/live/cam.ts", "--detector", "haar", "--url", server.url]
            process = start([*arguments, "--batch-size", "4"], tmp_path)
            assert server.asked.wait(60)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
            closing.set()
        assert process.returncode == 0, err
        assert "cam" in out
        rows = read_rows(tmp_path / "out" / "127.0.0.1-cam" / "faces.csv")
        assert 0 < len({row["frame"] for row in rows}) <= 120
        assert json.loads((tmp_path / "out" / "127.0.0.1-cam" / "summary.json").read_text())["video"][
            "is_live"
        ]
        assert os.listdir(tmp_path / "out") == ["127.0.0.1-cam"]


class TestLive:
    def test_the_terminal_tells_what_faces_show_at_present(
        self, server: ProtocolServer, tmp_path: Path
    ) -> None:
        write_video(tmp_path / "cam.ts", [face_frame()] * 60, uneven_ticks(60))
        terminal, stderr = pty.openpty()
        with web(tmp_path, closing := threading.Event()) as address:
            arguments = [f"{address}/live/cam.ts", "--detector", "haar", "--url", server.url]
            process = start([*arguments, "--batch-size", "4"], tmp_path, stderr=stderr, TERM="xterm")
            os.close(stderr)
            told = b""
            while not re.search(rb"face 1 [a-z]+ \d+ %", told):
                told += os.read(terminal, 1024)  # an error once the command has ended
            process.send_signal(signal.SIGINT)
            while process.poll() is None and select.select([terminal], [], [], 60)[0]:
                with suppress(OSError):
                    os.read(terminal, 1024)
            process.communicate(timeout=60)
            closing.set()
        os.close(terminal)
        assert process.returncode == 0
        assert b"cam.ts" in told

    def test_rows_have_the_time_of_the_clock(self, server: ProtocolServer, tmp_path: Path) -> None:
        write_video(tmp_path / "cam.ts", default_frames(), uneven_ticks(30))
        before = datetime.now(UTC)
        with web(tmp_path, closing := threading.Event()) as address:
            closing.set()  # the line ends with the file
            records = list(analyze(f"{address}/live/cam.ts", url=server.url, detector="haar"))
        after = datetime.now(UTC)
        came = [datetime.fromisoformat(str(record.wall_time)) for record in records]
        assert before - timedelta(milliseconds=1) <= came[0] <= after
        assert came[0].tzinfo == UTC
        for record, at in zip(records, came, strict=True):
            passed_s = record.time_s - records[0].time_s
            assert (at - came[0]).total_seconds() == pytest.approx(passed_s, abs=0.002)

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

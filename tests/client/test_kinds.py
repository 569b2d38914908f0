"""Photographs, sequences, lists and addresses through the whole command."""

import io
import json
import os
import pty
import re
import select
import signal
import struct
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_client import analyze
from fer_client.errors import InputError
from fer_client.pictures import picture_frame, read_picture
from fer_client.streams import open_stream
from support.command import Command, assert_fails, read_rows, start
from support.protocol_server import ProtocolServer
from support.videos import default_frames, empty_frame, face_frame, turned, uneven_ticks, write_video
from support.web import web


def write_picture(path: Path, bgr: np.ndarray, orientation: int | None = None) -> None:
    """Write a picture, as JPEG with an EXIF orientation (TIFF 6.0, tag 274) where one is given."""
    data = cv2.imencode(path.suffix, bgr)[1].tobytes()
    if orientation is not None:
        tag = struct.pack("<HHHIHHI", 1, 0x112, 3, 1, orientation, 0, 0)
        exif = b"Exif\0\0II*\0\x08\0\0\0" + tag
        data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]
    path.write_bytes(data)


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    write_picture(folder / "2 face.png", face_frame())
    write_picture(folder / "10 face.jpg", face_frame(20))
    write_picture(folder / "11 empty.webp", empty_frame())
    return folder


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
        stored = {
            1: upright,
            2: np.fliplr(upright),
            3: np.rot90(upright, 2),
            4: np.flipud(upright),
            5: upright.transpose(1, 0, 2),
            6: np.rot90(upright, 1),
            7: np.rot90(upright, 2).transpose(1, 0, 2),
            8: np.rot90(upright, -1),
        }[orientation]
        write_picture(tmp_path / "a.jpg", np.ascontiguousarray(stored), orientation)
        picture = read_picture(tmp_path / "a.jpg")
        assert picture.shape == upright.shape
        assert np.abs(picture.astype(int) - upright).mean() < 3

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
        assert len(read_rows(tmp_path / "out" / "face" / "faces.csv")) == 30
        text = (tmp_path / "out" / "face" / "summary.json").read_text() + done.stdout + done.stderr
        assert "secret" not in text
        assert "hidden" not in text

    def test_a_turned_video_on_the_web(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        (tmp_path / "turned.mp4").write_bytes(turned(face_video.read_bytes(), (0, 1, -1, 0)))
        with web(tmp_path, threading.Event()) as address:
            assert run(f"{address}/turned.mp4").returncode == 0
        video = json.loads((tmp_path / "out" / "turned" / "summary.json").read_text())["video"]
        assert (video["width"], video["height"], video["rotation_deg"]) == (240, 320, 270)

    def test_nothing_at_the_address(self, run: Command, face_video: Path) -> None:
        with web(face_video.parent, threading.Event()) as address:
            done = run(f"{address}/nowhere.mp4")
        assert_fails(done, 3, "nowhere.mp4", "404")
        assert "secret" not in done.stderr
        assert_fails(run("rtsp://127.0.0.1:9/cam"), 3, "rtsp://127.0.0.1:9/cam", "cannot be opened")
        assert_fails(run("gopher://here/x"), 3, "http, https, rtsp")

    def test_silence_ends_in_time(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("fer_client.streams.TIMEOUT_S", 0.3)
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
        rows = read_rows(tmp_path / "out" / "cam" / "faces.csv")
        assert 0 < len({row["frame"] for row in rows}) <= 120
        assert json.loads((tmp_path / "out" / "cam" / "summary.json").read_text())["video"]["is_live"]
        assert os.listdir(tmp_path / "out") == ["cam"]


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
        tables = [(tmp_path / "out" / name / f"faces.{form}").read_bytes() for name in ("cam", "face")]
        assert [b"wall_time" in table for table in tables] == [True, False]

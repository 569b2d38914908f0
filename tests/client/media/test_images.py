"""Pictures as they are read from files, and films of pictures."""

import json
import os
import resource
import struct
import zlib
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fer_client.errors import InputError
from fer_client.media.images import picture_frame, read_picture
from support.command import Command, assert_fails, read_rows
from support.fault_record import FaultRecord
from support.videos import (
    empty_frame,
    face_frame,
    stored,
    write_picture,
)


def peak_memory() -> int:
    """In bytes, of this process since it began."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def white_png(side: int) -> bytes:
    """A square of one bit per pixel."""
    row = b"\0" + b"\xff" * (side // 8)
    pack = zlib.compressobj(9)
    rows = b"".join(pack.compress(row) for _ in range(side)) + pack.flush()
    parts = ((b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


REFUSED = "refused in one sentence, before anything is decoded"


class TestPictures:
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_exif_orientation(self, tmp_path: Path, orientation: int) -> None:
        """A picture stored so that the orientation turns it back comes out as it was."""
        upright = np.full((48, 80, 3), 30, np.uint8)
        upright[:16, :24] = 220
        write_picture(tmp_path / "a.jpg", stored(upright, orientation), orientation)
        picture = read_picture(tmp_path / "a.jpg")
        assert picture.shape == upright.shape
        assert np.abs(picture.astype(int) - upright).mean() < 3

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

    def test_a_picture_whose_size_nobody_knows_is_not_decoded(
        self, tmp_path: Path, faults: FaultRecord
    ) -> None:
        """A stream of JPEG 2000 without the file around it, which OpenCV would decode."""
        coded = cv2.imencode(".jp2", np.zeros((64, 64, 3), np.uint8))[1].tobytes()
        path = tmp_path / "a.jpg"
        path.write_bytes(coded[coded.index(b"\xff\x4f\xff\x51") :])
        assert cv2.imread(str(path)) is not None
        with pytest.raises(InputError, match="in a form that cannot be read"):
            read_picture(path)
        faults.held("input", "a picture of a form whose size cannot be read", REFUSED)

    def test_a_picture_that_states_too_many_pixels_is_not_decoded(
        self, tmp_path: Path, run: Command, faults: FaultRecord
    ) -> None:
        """30,000 × 30,000 white pixels take 2.7 GB, and their file a few kilobytes."""
        bomb = tmp_path / "bomb.png"
        bomb.write_bytes(white_png(30_000))
        before = peak_memory()
        with pytest.raises(
            InputError, match=r"at most 200 million pixels in a frame, but it states 30000×30000"
        ):
            read_picture(bomb)
        assert peak_memory() - before < 100 << 20
        write_picture(tmp_path / "a.png", empty_frame())
        assert_fails(run(tmp_path / "a.png", "--max-pixels", 1000), 3, "a.png", "--max-pixels")
        faults.held("input", "a picture that states 900 million pixels", REFUSED)

    def test_what_is_no_file_is_refused_at_once(
        self, tmp_path: Path, run: Command, faults: FaultRecord
    ) -> None:
        os.mkfifo(tmp_path / "pipe.jpg")
        (tmp_path / "zero.jpg").symlink_to("/dev/zero")
        assert_fails(run(tmp_path / "pipe.jpg"), 3, "pipe.jpg", "no regular file")
        assert_fails(run(tmp_path / "zero.jpg"), 3, "zero.jpg", "no regular file")
        faults.held("input", "a pipe, and a link to a device", REFUSED, tried=2)

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


@pytest.mark.parametrize("suffix", ["jfif", "mpo", "avif"])
def test_rarer_suffixes_are_photographs(run: Command, tmp_path: Path, suffix: str) -> None:
    coded = "avif" if suffix == "avif" else "jpg"
    if not cv2.haveImageWriter(f".{coded}"):
        pytest.skip(f"this OpenCV writes no {coded}")
    (tmp_path / f"a.{suffix}").write_bytes(cv2.imencode(f".{coded}", face_frame())[1].tobytes())
    done = run(f"a.{suffix}")
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "out" / "a" / "summary.json").read_text())
    assert (summary["input"]["kind"], summary["overall"]["faces"]) == ("photographs", 1)

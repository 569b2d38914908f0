"""Pictures that move are videos where FFmpeg reads them, and else refused: never their first picture alone."""

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_client.errors import InputError
from fer_client.media.animations import count_pictures, is_animated_png
from fer_client.media.images import read_picture
from fer_client.media.sources import VideoFile
from support.command import Command, assert_fails, read_rows
from support.inputs import found
from support.videos import default_frames, face_frame, write_picture, write_video


def webp(path: Path, count: int) -> bytes:
    """An animation as RFC 9649 has it, of pictures that OpenCV wrote."""
    write_picture(path, face_frame())
    picture = path.read_bytes()[12:]
    frame = (
        bytes(6) + (319).to_bytes(3, "little") + (239).to_bytes(3, "little") + bytes([40, 0, 0, 0]) + picture
    )
    chunks = b"VP8X" + struct.pack("<IB3x", 10, 2) + (319).to_bytes(3, "little") + (239).to_bytes(3, "little")
    chunks += b"ANIM" + struct.pack("<IIH", 6, 0, 0)
    chunks += count * (b"ANMF" + struct.pack("<I", len(frame)) + frame)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def test_an_animated_png_is_a_video(run: Command, tmp_path: Path) -> None:
    write_video(
        tmp_path / "a.apng", default_frames()[:5], range(0, 2560, 512), codec="apng", pixel_format="rgb24"
    )
    (tmp_path / "in").mkdir()
    (tmp_path / "a.apng").rename(tmp_path / "in" / "moving.png")
    write_picture(tmp_path / "in" / "still.png", face_frame())
    assert is_animated_png(tmp_path / "in" / "moving.png")
    assert not is_animated_png(tmp_path / "in" / "still.png")
    done = run("in")
    assert done.returncode == 0, done.stderr
    rows = read_rows(tmp_path / "out" / "in" / "moving" / "faces.csv")
    assert [row["time_s"] for row in rows] == ["0.000000", "0.040000", "0.080000", "0.120000", "0.160000"]
    assert [row["source"] for row in read_rows(tmp_path / "out" / "in" / "photographs" / "faces.csv")] == [
        "still.png"
    ]
    assert run("in/moving.png", "--out", "alone").returncode == 0
    assert len(read_rows(tmp_path / "alone" / "moving" / "faces.csv")) == 5


def test_an_animated_webp_is_refused_in_a_sentence(run: Command, tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    path.write_bytes(webp(path, 3))
    assert cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR) is not None
    assert_fails(run("a.webp"), 3, "a.webp", "an animation of 3 pictures", "to MP4")
    path.write_bytes(webp(path, 1))
    assert read_picture(path).shape == (240, 320, 3)


def test_an_animated_avif_is_a_video(tmp_path: Path) -> None:
    path = tmp_path / "moving.avif"
    write_video(path, default_frames()[:5], range(0, 2560, 512), codec="libsvtav1")
    (source,) = found(path)
    assert isinstance(source, VideoFile)
    with source.open() as video:
        assert len(list(video.frames())) == 5


@pytest.mark.parametrize("size", [0, 7, 8, 12, 20, 21, 29, 30, 34, 37, 38, 44])
def test_a_head_alone_is_no_animation(tmp_path: Path, size: int) -> None:
    assert count_pictures(webp(tmp_path / "a.webp", 2)[:size]) == 1
    assert not is_animated_png(tmp_path / "missing.png")
    with pytest.raises(InputError):
        read_picture(tmp_path / "missing.png")

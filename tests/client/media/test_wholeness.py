"""Files that are cut off where FFmpeg reads them without a word, and files that only look so."""

import io
import json
import re
import struct
from pathlib import Path

import av
import numpy as np
import pytest

from fer_client.errors import InputError
from fer_client.media.limits import LimitedVideo
from fer_client.media.video import open_video
from fer_client.media.wholeness import missing_from, missing_part
from support.command import Command, assert_fails
from support.fault_record import FaultRecord
from support.videos import default_frames, write_video

CODECS = {
    "apng": ("apng", "rgb24"),
    "asf": ("mpeg4", "yuv420p"),
    "avi": ("mpeg4", "yuv420p"),
    "gif": ("gif", "rgb8"),
    "m2ts": ("libx264", "yuv420p"),
    "mkv": ("libx264", "yuv420p"),
    "mov": ("mjpeg", "yuvj420p"),
    "mp4": ("libx264", "yuv420p"),
    "mxf": ("mpeg2video", "yuv420p"),
    "ts": ("libx264", "yuv420p"),
    "webm": ("libvpx-vp9", "yuv420p"),
    "wmv": ("wmv2", "yuv420p"),
    "y4m": ("rawvideo", "yuv420p"),
}


def write_noise(path: Path, options: dict[str, str] | None = None, count: int = 30) -> bytes:
    codec, pixel_format = CODECS[path.suffix[1:]]
    rng = np.random.default_rng(0)
    with av.open(str(path), "w", container_options=options or {}) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixel_format
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(rng.integers(0, 256, (48, 64, 3), np.uint8), format="bgr24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path.read_bytes()


@pytest.mark.parametrize("suffix", CODECS)
def test_a_file_that_is_cut_anywhere_is_not_whole(tmp_path: Path, suffix: str, faults: FaultRecord) -> None:
    path = tmp_path / f"a.{suffix}"
    options = {"movflags": "faststart"} if suffix in ("mov", "mp4") else None
    whole = write_noise(path, options)
    assert missing_part(path) is None
    with open_video(path) as video:
        assert len(list(video.frames())) == 30
    for share in (0.99, 0.9, 0.6, 0.2):
        path.write_bytes(whole[: int(share * len(whole)) | 1])  # no multiple of a packet
        with pytest.raises(InputError, match=r"damaged or cut off|copy it again"), open_video(path) as video:
            list(video.frames())
    faults.held(
        "input",
        f"files of {len(CODECS)} forms, cut off",
        "one sentence, read in part with --partial",
        tried=4,
    )


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv444p", "gray", "yuv420p10le"])
def test_frames_of_all_colours_are_counted(
    tmp_path: Path, pixel_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CODECS, "y4m", ("rawvideo", pixel_format))
    whole = write_noise(tmp_path / "a.y4m", {"strict": "-1"}, 3)
    assert missing_from(io.BytesIO(whole)) is None
    assert missing_from(io.BytesIO(whole[:-1])) == "the file ends inside a frame"


def test_what_is_missing_is_told_at_once_and_recorded(run: Command, tmp_path: Path) -> None:
    whole = write_noise(tmp_path / "a.gif")
    (tmp_path / "a.gif").write_bytes(whole[: len(whole) // 5])
    assert_fails(run("a.gif"), 3, "its end marker is missing", "--partial")
    assert not (tmp_path / "out" / "a").exists()
    assert run("a.gif", "--partial").returncode == 0
    summary = json.loads((tmp_path / "out" / "a" / "summary.json").read_text())
    assert summary["video"]["damage"] == "its end marker is missing"
    assert 0 < summary["frames_analysed"] < 10


@pytest.mark.parametrize("suffix", ["apng", "mp4", "mxf"])
def test_what_more_may_have_followed_is_a_least_length(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    whole = write_noise(path, {"movflags": "faststart"} if suffix == "mp4" else None)
    path.write_bytes(whole[: len(whole) // 2])
    found = re.fullmatch(r"the file has ([\d,]+) of at least ([\d,]+) bytes", missing_part(path) or "")
    assert found
    has, least = (int(count.replace(",", "")) for count in found.groups())
    assert has == len(whole) // 2 < least <= len(whole)


@pytest.mark.parametrize("suffix", ["gif", "mkv", "mp4", "avi", "apng"])
def test_what_follows_the_end_is_no_damage(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    whole = write_noise(path)
    for tail in (bytes(100), b"more than that" * 9):
        path.write_bytes(whole + tail)
        assert missing_part(path) is None


def test_a_recording_to_a_pipe_states_no_size(tmp_path: Path) -> None:
    write_noise(tmp_path / "a.mkv", {"live": "1"})
    assert missing_part(tmp_path / "a.mkv") is None
    fragments = write_noise(tmp_path / "a.mp4", {"movflags": "frag_keyframe+empty_moov"})
    assert missing_part(tmp_path / "a.mp4") is None
    (tmp_path / "a.mp4").write_bytes(fragments[:-9])
    assert missing_part(tmp_path / "a.mp4") is not None


def test_an_ogg_page_that_is_cut() -> None:
    page = b"OggS" + bytes(22) + bytes([2, 255, 10]) + bytes(265)
    assert missing_from(io.BytesIO(2 * page)) is None
    assert missing_from(io.BytesIO(2 * page[:-1])) == "the file ends inside a page"
    assert missing_from(io.BytesIO(page + page[:20])) == "the file ends inside a page"


def test_a_file_made_to_be_walked_for_long_is_left_alone() -> None:
    """Two million boxes of eight bytes each, and as many empty chunks."""
    assert missing_from(io.BytesIO(struct.pack(">I4s", 8, b"free") * (1 << 21) + bytes(8))) is None
    assert missing_from(io.BytesIO(b"\x89PNG\r\n\x1a\n" + bytes(12 << 21))) is None


@pytest.mark.parametrize("suffix", CODECS)
def test_a_head_alone_breaks_nothing(tmp_path: Path, suffix: str) -> None:
    head = write_noise(tmp_path / f"a.{suffix}", count=2)[:200]
    for size in range(len(head)):
        missing_from(io.BytesIO(head[:size]))


@pytest.mark.parametrize("suffix", ["flv", "mkv", "mov", "mp4", "ts"])
@pytest.mark.parametrize("start_s", [0.9, 5])
def test_a_whole_file_that_starts_late_is_whole(tmp_path: Path, suffix: str, start_s: float) -> None:
    path = tmp_path / f"late.{suffix}"
    first = round(start_s * 12_800)
    times = write_video(path, default_frames() * 4, [first + 512 * number for number in range(120)])
    with open_video(path) as reader:
        video = LimitedVideo(reader, None, lambda: False)
        frames = list(video.frames())
        assert len(frames) == 120
        if suffix not in ("flv", "ts"):  # of which one has an offset, and the other rounds
            assert frames[0].time_s == pytest.approx(start_s, abs=1e-3)
            assert video.end_s == pytest.approx(times[-1] + 0.04, abs=0.002)


def test_after_damage_nothing_stands_longer_than_could_be_read(run: Command, tmp_path: Path) -> None:
    path = tmp_path / "cut.mkv"
    write_video(path, default_frames() * 10, [512 * number for number in range(300)], gop=1)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 5])
    assert run("cut.mkv", "--partial", "--fps", "0.1").returncode == 0
    summary = json.loads((tmp_path / "out" / "cut" / "summary.json").read_text())
    assert summary["video"]["duration_s"] == pytest.approx(12, abs=0.1)
    assert 1 < summary["seconds_analysed"] < 4

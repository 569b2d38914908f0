"""Videos that are odd but whole, and files that state absurd things: each is read, or refused in a sentence."""

import struct
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from fer_client.errors import InputError
from fer_client.media.video import open_video
from support.command import Command, read_rows
from support.videos import face_frame, write_video

PICTURES = [face_frame(4 * index) for index in range(6)]
TICKS = range(0, 6 * 512, 512)


def frames_of(path: Path, allow_corruption: bool = False) -> list[tuple[float, tuple[int, int]]]:
    with open_video(path) as video:
        return [(round(frame.time_s, 3), frame.size_wh) for frame in video.frames(allow_corruption)]


def noise(width: int, height: int, count: int = 6) -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(0, 256, (count, height, width, 3), np.uint8))


@pytest.mark.parametrize(
    ("size_wh", "codec", "pixel_format"),
    [
        ((1, 1), "ffv1", "yuv444p"),
        ((1, 1), "png", "rgb24"),
        ((3, 1), "mjpeg", "yuvj420p"),
        ((33, 57), "ffv1", "yuv420p"),
        ((33, 57), "libx264", "yuv444p"),
        ((64, 48), "libx264", "yuv422p10le"),
        ((64, 48), "libx264", "yuv420p10le"),
        ((64, 48), "ffv1", "yuva420p"),
        ((64, 48), "png", "rgba"),
        ((16_384, 2), "ffv1", "yuv420p"),
        ((2, 16_384), "ffv1", "gray"),
    ],
)
def test_any_size_and_depth(tmp_path: Path, size_wh: tuple[int, int], codec: str, pixel_format: str) -> None:
    path = tmp_path / ("a.mov" if codec == "png" else "a.mkv")
    write_video(path, noise(*size_wh), TICKS, codec=codec, pixel_format=pixel_format)
    assert [size for _, size in frames_of(path)] == [size_wh] * 6


def test_fields_are_read_as_frames(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mpg"), "w") as container:
        stream = container.add_stream("mpeg2video", rate=25, options={"flags": "+ildct+ilme", "top": "1"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index, picture in enumerate(noise(64, 48)):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with open_video(tmp_path / "a.mpg") as video:
        frames = list(video.frames())
    assert len(frames) == 6
    assert frames[0].decoded.interlaced_frame


@pytest.mark.parametrize(
    "ticks",
    [
        [0, 512, 512_000_000, 512_000_512, 512_001_024, 512_001_536],
        [0, 1, 2, 3, 4, 5],
    ],
)
def test_times_may_jump(tmp_path: Path, ticks: list[int]) -> None:
    write_video(tmp_path / "a.nut", PICTURES, ticks, codec="ffv1", pixel_format="yuv420p")
    times = [time_s for time_s, _ in frames_of(tmp_path / "a.nut", allow_corruption=True)]
    assert times == [round(tick / 12_800, 3) for tick in ticks]


def test_times_that_repeat_or_run_backwards_are_told(run: Command, tmp_path: Path) -> None:
    """A transport stream of two recordings, one after the other: its clock starts again."""
    write_video(tmp_path / "a.ts", PICTURES, TICKS)
    data = (tmp_path / "a.ts").read_bytes()
    (tmp_path / "twice.ts").write_bytes(data + data)
    done = run("twice.ts", "--partial")
    assert done.returncode == 0, done.stderr
    rows = read_rows(tmp_path / "out" / "twice" / "faces.csv")
    assert len({row["frame"] for row in rows}) >= 11


def test_the_size_changes_in_the_middle(run: Command, tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.ts"), "w", format="mpegts") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        second = av.CodecContext.create("libx264", "w")
        second.width, second.height, second.pix_fmt, second.time_base = 160, 120, "yuv420p", Fraction(1, 25)
        packets = []
        for encoder, start, size in ((stream, 0, (320, 240)), (second, 6, (160, 120))):
            for index, picture in enumerate(PICTURES):
                frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(*size, "yuv420p")
                frame.pts, frame.time_base = start + index, Fraction(1, 25)
                packets += encoder.encode(frame)
            packets += encoder.encode(None)
        for packet in packets:
            packet.stream = stream
            container.mux(packet)
    done = run("a.ts")
    assert done.returncode == 0, done.stderr
    assert len({row["frame"] for row in read_rows(tmp_path / "out" / "a" / "faces.csv")}) == 12


def write_streams(path: Path, seconds_of_sound: int, videos: int) -> None:
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("mpeg4", rate=25) for _ in range(videos)]
        sounds = [container.add_stream("aac", rate=8000) for _ in range(1 + videos)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index, picture in enumerate(noise(64, 48)):
            for stream in streams:
                frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
                frame.pts = index
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode())
        for sound in sounds:
            samples = av.AudioFrame.from_ndarray(
                np.zeros((1, 8000 * seconds_of_sound), np.float32), format="fltp", layout="mono"
            )
            samples.sample_rate = 8000
            container.mux(sound.encode(samples))
            container.mux(sound.encode())


@pytest.mark.parametrize(("seconds", "videos"), [(5, 1), (1, 12)])
def test_a_tail_of_sound_and_many_streams(tmp_path: Path, seconds: int, videos: int) -> None:
    write_streams(tmp_path / "a.mkv", seconds, videos)
    assert len(frames_of(tmp_path / "a.mkv")) == 6


def test_a_file_that_states_no_duration(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mkv"), "w", container_options={"live": "1"}) as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index, picture in enumerate(noise(64, 48)):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert len(frames_of(tmp_path / "a.mkv")) == 6


def at_box(kind: bytes, offset: int, value: bytes) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        place = data.index(kind) + offset
        return data[:place] + value + data[place + len(value) :]

    return change


ABSURD = {
    "no width": at_box(b"avc1", 28, struct.pack(">H", 0)),
    "size of 65535": at_box(b"avc1", 28, struct.pack(">HH", 0xFFFF, 0xFFFF)),
    "clock of no ticks": at_box(b"mdhd", 16, struct.pack(">I", 0)),
    "clock of 4 GHz": at_box(b"mdhd", 16, struct.pack(">I", 0xFFFFFFFF)),
    "endless duration": at_box(b"mdhd", 20, struct.pack(">I", 0xFFFFFFFE)),
    "frames of no length": at_box(b"stts", 16, struct.pack(">I", 0)),
    "four billion times": at_box(b"stts", 8, struct.pack(">I", 0xFFFFFFFF)),
    "four billion frames": at_box(b"stsz", 12, struct.pack(">I", 0xFFFFFFFF)),
    "frames beyond the end": at_box(b"stco", 12, struct.pack(">I", 0x7FFFFFFF)),
    "no key frame": at_box(b"stss", 8, struct.pack(">I", 0)),
    "a box of no length": at_box(b"moov", -4, struct.pack(">I", 0)),
    "a box of 4 GB": at_box(b"moov", -4, struct.pack(">I", 0xFFFFFFF0)),
}


@pytest.mark.parametrize("name", ABSURD)
def test_an_absurd_statement_is_survived(tmp_path: Path, name: str) -> None:
    write_video(tmp_path / "a.mp4", PICTURES, TICKS)
    data = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "a.mp4").write_bytes(ABSURD[name](data))
    for allow_corruption in (False, True):
        with suppress(InputError):
            assert 0 < len(frames_of(tmp_path / "a.mp4", allow_corruption)) <= 12


@pytest.mark.parametrize(
    "kind", ["ftyp", "mdat", "moov", "mvhd", "trak", "tkhd", "mdia", "stbl", "stsd", "stsz"]
)
def test_cut_at_any_structure(tmp_path: Path, kind: str) -> None:
    write_video(tmp_path / "a.mp4", PICTURES, TICKS)
    data = (tmp_path / "a.mp4").read_bytes()
    start = data.index(kind.encode())
    for place in (start - 4, start + 4):
        (tmp_path / "a.mp4").write_bytes(data[: max(1, place)])
        with pytest.raises(InputError):
            frames_of(tmp_path / "a.mp4")

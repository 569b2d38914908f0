"""Frames of a video file with the times that it states; files that cannot be read, or not to the end."""

import json
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fer_client.errors import InputError
from fer_client.media.video import VideoReader, open_video
from support.command import Command, assert_fails, read_rows
from support.videos import write_sound, write_video
from support.web import web

WHOLE_CLIPS = [
    "decord_video_0.mov",
    "decord_video_90.mov",
    "intel_asl_book.mkv",
    "intel_bottle.mp4",
    "lp_d0.mp4",
    "lp_d13.mp4",
    "lp_d19.mp4",
    "mmaction2_tests_data_test.avi",
    "pyfeat_WolfgangLanger_Pexels.mp4",
    "pyfeat_face_noface.mov",
    "pyfeat_no_face.mp4",
    "pyfeat_single_face.mp4",
    "short_hamilton_clip.mp4",
    "vrt_2.mp4",
    "vrt_5.mp4",
]


def stated_times(path: Path) -> list[float]:
    """As PyAV reports them; where the file states decoding times alone, PyAV makes up the others."""
    with av.open(str(path)) as container:
        if path.suffix == ".avi":
            packets = container.demux(video=0)
            return [float(packet.dts * packet.time_base) for packet in packets if packet.size]
        return [picture.time for picture in container.decode(video=0)]


@pytest.mark.parametrize("name", WHOLE_CLIPS)
def test_times_are_those_that_the_file_states(shared: Path, name: str) -> None:
    path = shared / "media" / "videos" / name
    expected = [round(time_s * 1e6) for time_s in stated_times(path)]
    with open_video(path) as video:
        frames = [(frame.index, round(frame.time_s * 1e6)) for frame in video.frames()]
    assert frames == list(enumerate(expected))
    assert video.corruption is None


@pytest.mark.parametrize("name", ["12:30.mp4", "concat:face.mp4", "http:face.mp4", "a%20b.mp4", "file:a.mp4"])
def test_a_name_is_no_protocol(
    face_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("face.mp4").write_bytes(face_video.read_bytes())
    with pytest.raises(InputError, match=f"^{re.escape(name)}: cannot be read"), open_video(Path(name)):
        pass
    Path(name).write_bytes(b"bread, milk\n" * 40)
    with pytest.raises(InputError, match=f"^{re.escape(name)}: expected a video"), open_video(Path(name)):
        pass
    Path(name).write_bytes(face_video.read_bytes())
    with open_video(Path(name)) as video:
        assert len(list(video.frames())) == 30


def test_a_playlist_leads_to_no_address(face_video: Path, tmp_path: Path) -> None:
    with web(face_video.parent, threading.Event()) as address:
        (tmp_path / "list.m3u8").write_text(
            f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:2,\n{address}/face.mp4\n#EXT-X-ENDLIST\n"
        )
        with pytest.raises(InputError), open_video(tmp_path / "list.m3u8") as video:
            list(video.frames())


def test_tags_in_another_encoding_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "tagged.avi"
    write_video(path, codec="mpeg4")
    data = path.read_bytes()
    place = data.index(b"ISFT") + 8
    path.write_bytes(data[:place] + b"Caf\xe9" + data[place + 4 :])
    with open_video(path) as video:
        assert len(list(video.frames())) == 30


def test_cover_picture_is_not_a_video(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(cv2.imencode(".png", np.zeros((32, 32, 3), np.uint8))[1].tobytes())
    with open_video(tmp_path / "a.png") as video:
        assert len(list(video.frames())) == 1


def test_missing_end_is_found_and_can_be_accepted(tmp_path: Path) -> None:
    whole = tmp_path / "whole.mkv"
    write_video(whole, ticks=[1280 * index for index in range(30)], gop=1)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with open_video(cut) as video, pytest.raises(InputError, match="damaged or cut off"):
        list(video.frames())
    with open_video(cut) as video:
        frames = list(video.frames(allow_corruption=True))
        assert 5 < len(frames) < 30
        assert video.corruption is not None


class TestBadVideos:
    def test_missing_file(self, run: Command) -> None:
        assert_fails(run("nowhere.mp4"), 3, "nowhere.mp4", "No such file")

    def test_a_file_without_permission(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        closed = tmp_path / "closed.mp4"
        closed.write_bytes(face_video.read_bytes())
        closed.chmod(0)
        if os.access(closed, os.R_OK):
            pytest.skip("this user may read everything")
        done = run(closed, face_video)
        assert_fails(done, 3, "Permission denied")
        assert (tmp_path / "out" / "face").is_dir()

    def test_empty_file(self, run: Command, tmp_path: Path) -> None:
        (tmp_path / "empty.mp4").touch()
        assert_fails(run("empty.mp4"), 3, "empty (0 bytes)")

    def test_a_pipe(self, run: Command, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "talk.mp4")
        assert_fails(run("talk.mp4"), 3, "talk.mp4", "pipe", "Save the video as a file first")

    def test_text_file(self, run: Command, tmp_path: Path) -> None:
        (tmp_path / "notes.mp4").write_text("bread, milk\n" * 40)
        assert_fails(run("notes.mp4"), 3, "expected a video file")

    def test_sound_without_pictures(self, run: Command, tmp_path: Path) -> None:
        write_sound(tmp_path / "sound.m4a")
        assert_fails(run("sound.m4a"), 3, "holds only audio")

    @pytest.mark.parametrize("suffix", ["mkv", "avi"])
    def test_truncated_file(self, run: Command, tmp_path: Path, suffix: str) -> None:
        whole = tmp_path / f"whole.{suffix}"
        noise = np.random.default_rng(0).integers(0, 256, (100, 64, 64, 3), np.uint8)
        write_video(whole, list(noise), range(0, 51_200, 512))
        assert run(whole.name).returncode == 0
        cut = tmp_path / f"cut.{suffix}"
        cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
        assert_fails(run(cut.name), 3, "damaged or cut off", "--partial")
        assert not (tmp_path / "out" / "cut").exists()

    def test_mp4_without_its_index(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        (tmp_path / "cut.mp4").write_bytes(face_video.read_bytes()[:20_000])
        assert_fails(run("cut.mp4"), 3, "index is missing", "cut off")

    def test_flipped_bits(self, run: Command, tmp_path: Path) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (60, 64, 64, 3), np.uint8)
        write_video(tmp_path / "whole.mp4", list(noise), range(0, 60 * 512, 512))
        data = bytearray((tmp_path / "whole.mp4").read_bytes())
        middle = data.index(b"mdat") + 30_000
        for place in range(middle, middle + 4_000, 100):
            data[place] ^= 0xFF
        (tmp_path / "flipped.mp4").write_bytes(data)
        assert run("whole.mp4").returncode == 0
        assert_fails(run("flipped.mp4"), 3, "damaged")
        assert run("flipped.mp4", "--partial").returncode == 0
        assert json.loads((tmp_path / "out" / "flipped" / "summary.json").read_text())["video"]["damage"]

    def test_not_a_single_frame(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        data = bytearray(face_video.read_bytes())
        place = data.index(b"mdat")
        data[place + 4 : data.index(b"moov") - 4] = bytes(data.index(b"moov") - 4 - place - 4)
        (tmp_path / "blank.mp4").write_bytes(data)
        assert_fails(run("blank.mp4", "--partial"), 3, "blank.mp4")
        assert not (tmp_path / "out" / "blank").exists()

    def test_damaged_clip_and_its_readable_part(self, run: Command, shared: Path, tmp_path: Path) -> None:
        clip = shared / "media" / "videos" / "decord_corrupted.mp4"
        assert_fails(run(clip), 3, "damaged or cut off")
        assert list((tmp_path / "out").iterdir()) == []
        done = run(clip, "--partial")
        assert done.returncode == 0, done.stderr
        assert "analysed in part" in done.stdout
        assert len(read_rows(tmp_path / "out" / "decord_corrupted" / "faces.csv")) >= 20

    def test_an_unknown_codec(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        (tmp_path / "odd.mp4").write_bytes(face_video.read_bytes().replace(b"avc1", b"zzzz"))
        assert_fails(run("odd.mp4", face_video), 3, "odd.mp4", "no decoder")
        assert (tmp_path / "out" / "face").is_dir()


class LostConnection:
    """A container from which nothing comes after the last packet, not even its end."""

    def __init__(self, container: av.container.InputContainer) -> None:
        self._container = container

    def __getattr__(self, name: str) -> object:
        return getattr(self._container, name)

    def demux(self) -> Iterator[av.Packet]:
        yield from (packet for packet in self._container.demux() if packet.size)
        raise av.error.ConnectionResetError(104, "Connection reset by peer")


def test_frames_that_wait_in_the_decoder_are_not_lost_with_the_connection(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4")
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        with open_video(tmp_path / "a.mp4") as whole:
            times = [frame.time_s for frame in whole.frames()]
            reader = VideoReader(whole.info, LostConnection(container), stream, "a.mp4")
        assert [frame.time_s for frame in reader.frames(allow_corruption=True)] == times
    assert "Connection reset" in str(reader.corruption)

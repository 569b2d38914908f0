"""Videos from the network: what is opened, what is refused, and what stays secret."""

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from fer_client.errors import InputError
from fer_client.media.network import open_stream
from fer_client.media.sources import Stream
from support.command import Command, assert_fails, read_rows
from support.inputs import found
from support.videos import (
    turned,
    uneven_ticks,
    write_video,
)
from support.web import web


class TestAddresses:
    def test_a_video_on_the_web(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        with web(face_video.parent, threading.Event()) as address:
            done = run(f"{address}/face.mp4?key=hidden")
        assert done.returncode == 0, done.stderr
        assert len(read_rows(tmp_path / "out" / "127.0.0.1-face" / "faces.csv")) == 30
        text = (tmp_path / "out" / "127.0.0.1-face" / "summary.json").read_text() + done.stdout + done.stderr
        assert "secret" not in text
        assert "hidden" not in text

    def test_a_server_that_gives_files_from_their_start_alone(self, run: Command, tmp_path: Path) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (20, 240, 320, 3), np.uint8)
        write_video(tmp_path / "long.mp4", list(noise), uneven_ticks(20))
        with web(tmp_path, threading.Event()) as address:
            assert_fails(run(f"{address}/long.mp4"), 3, "from their start alone", "Download the file first")

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


def test_a_stream_that_nobody_serves() -> None:
    (stream,) = found("gopher://host/x")
    assert isinstance(stream, Stream)
    with pytest.raises(InputError, match="gopher"), stream.open():
        pass

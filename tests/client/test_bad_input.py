"""Videos that cannot be read, folders that cannot be written: one sentence, and nothing half done."""

import json
import os
import resource
from pathlib import Path
from typing import Any, NoReturn

import grpc
import numpy as np
import pytest

from fer_client.errors import UsageError
from fer_client.media import video
from fer_client.media.sources import VideoFile, VideoSource
from fer_client.outputs.folder import result_folder
from support.command import Command, assert_fails, read_rows, start
from support.protocol_server import ProtocolServer
from support.videos import write_sound, write_video


class TestBadVideos:
    def test_missing_file(self, run: Command) -> None:
        assert_fails(run("nowhere.mp4"), 3, "nowhere.mp4", "No such file")

    def test_an_empty_folder(self, run: Command, tmp_path: Path) -> None:
        assert_fails(run("."), 3, "holds none")
        (tmp_path / "clips").mkdir()
        assert_fails(run("clips"), 3, "clips", "holds none")

    def test_a_name_that_the_terminal_cannot_show(self, face_video: Path, tmp_path: Path) -> None:
        name = os.fsdecode(b"caf\xe9.mp4")
        (tmp_path / name).write_bytes(face_video.read_bytes())
        with ProtocolServer() as server:
            process = start(
                [name, "--detector", "haar", "--url", server.url], tmp_path, PYTHONIOENCODING="ascii"
            )
            out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert "caf\\udce9.mp4: 30 of 30" in out

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

    def test_no_server_is_started_where_nothing_can_be_read(self, command: Command) -> None:
        assert_fails(command("nowhere.mp4", "--detector", "haar"), 3, "nowhere.mp4")

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

    @pytest.mark.parametrize("part", ["check", "open", "frames"])
    def test_an_error_that_nobody_foresaw_ends_one_input(
        self,
        run: Command,
        face_video: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        part: str,
    ) -> None:
        (tmp_path / "odd.mp4").write_bytes(face_video.read_bytes())
        break_odd(monkeypatch, part)
        done = run("odd.mp4", face_video)
        assert_fails(done, 3, "odd.mp4", "ValueError: 31 is no kind", "FER_TRACEBACK=1")
        assert sorted(os.listdir(tmp_path / "out")) == ["face", "faces.csv", "study.csv"]
        monkeypatch.setenv("FER_TRACEBACK", "1")
        assert "in broken" in run("odd.mp4").stderr

    def test_such_an_error_shows_no_address(
        self, run: Command, face_video: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("fer_client.cli.session.provenance", lambda *_: fail("rtsp://me:secret@cam"))
        done = run(face_video)
        assert_fails(done, 3, "face.mp4", "ValueError")
        assert "secret" not in done.stderr

    def test_a_bad_video_does_not_stop_the_others(
        self, run: Command, face_video: Path, tmp_path: Path
    ) -> None:
        done = run("nowhere.mp4", face_video, "--json")
        assert_fails(done, 3, "nowhere.mp4")
        printed = json.loads(done.stdout)
        assert [result["input"]["name"] for result in printed["results"]] == ["face.mp4"]
        assert [(bad["input"], bad["exit_code"]) for bad in printed["failed"]] == [("nowhere.mp4", 3)]
        assert (tmp_path / "out" / "face" / "faces.csv").exists()


def fail(text: str) -> NoReturn:
    raise ValueError(text)


def break_odd(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    """Make a part of reading fail, for inputs named odd.mp4."""
    owner, name = {
        "check": (VideoSource, "check"),
        "open": (VideoFile, "open"),
        "frames": (video.VideoReader, "frames"),
    }[part]
    whole = getattr(owner, name)

    def broken(self: Any, *arguments: Any) -> Any:
        shown = self.shown if isinstance(self, VideoFile) else self.info.name
        return fail("31 is no kind") if shown == "odd.mp4" else whole(self, *arguments)

    monkeypatch.setattr(owner, name, broken)


class TestOutputFolder:
    def test_a_failed_run_keeps_the_earlier_result(
        self, run: Command, face_video: Path, tmp_path: Path, server: ProtocolServer
    ) -> None:
        run(face_video)
        before = (tmp_path / "out" / "face" / "summary.json").read_text()
        server.failure = grpc.StatusCode.INTERNAL
        assert_fails(run(face_video, "--overwrite"), 4, "made to fail")
        assert (tmp_path / "out" / "face" / "summary.json").read_text() == before
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["face"]

    def test_a_new_result_replaces_the_old_one(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        run(face_video)
        run(face_video, "--format", "jsonl")
        names = {path.name for path in (tmp_path / "out" / "face").iterdir()}
        assert names == {"episodes.jsonl", "faces.jsonl", "summary.json"}

    def test_files_of_the_user_are_not_replaced(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        note = tmp_path / "out" / "face" / "my notes.txt"
        note.parent.mkdir(parents=True)
        note.write_text("keep me")
        assert_fails(run(face_video), 2, "my notes.txt", "--out")
        assert note.read_text() == "keep me"

    def test_only_what_a_run_writes_is_replaced(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        run(face_video)
        for name in ("report.html", "annotated.mp4"):
            own = tmp_path / "out" / "face" / name
            own.write_text("mine")
            assert_fails(run(face_video, "--overwrite"), 2, name)
            assert own.read_text() == "mine"
            own.unlink()

    def test_a_video_inside_its_own_result_folder_stays(
        self, run: Command, face_video: Path, tmp_path: Path
    ) -> None:
        assert run(face_video).returncode == 0
        inside = tmp_path / "out" / "face" / "faces.parquet"
        inside.write_bytes(face_video.read_bytes())
        done = run(inside, "--out", tmp_path / "out" / "face" / "..")
        assert done.returncode == 0
        inside.rename(inside.with_name("face.mp4"))
        assert_fails(run("out/face/face.mp4", "--overwrite"), 2, "face.mp4")
        assert (tmp_path / "out" / "face" / "face.mp4").exists()

    def test_a_link_to_a_video_inside_the_result_folder_stays_whole(
        self, run: Command, face_video: Path, tmp_path: Path
    ) -> None:
        assert run(face_video).returncode == 0
        inside = tmp_path / "out" / "face" / "faces.parquet"
        inside.write_bytes(face_video.read_bytes())
        (tmp_path / "face.mp4").symlink_to(inside)
        assert_fails(run("face.mp4", "--overwrite"), 2, "faces.parquet")
        assert inside.exists()

    def test_a_swap_that_fails_brings_the_earlier_result_back(
        self, run: Command, face_video: Path, tmp_path: Path
    ) -> None:
        assert run(face_video).returncode == 0
        target = tmp_path / "out" / "face"
        before = (target / "summary.json").read_text()
        with pytest.raises(UsageError), result_folder(target) as draft:
            draft.folder.rmdir()
        assert (target / "summary.json").read_text() == before

    def test_a_folder_that_only_looks_like_a_result_is_the_users(
        self, run: Command, face_video: Path, tmp_path: Path
    ) -> None:
        own = tmp_path / "out" / "face" / "faces.csv"
        own.parent.mkdir(parents=True)
        own.write_text("my own table")
        assert_fails(run(face_video), 2, "faces.csv")
        assert own.read_text() == "my own table"

    def test_a_name_too_long_for_the_disk(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        long = tmp_path / f"{'x' * 249}.mp4"
        long.write_bytes(face_video.read_bytes())
        done = run(long, face_video)
        assert done.returncode == 0
        assert (tmp_path / "out" / ("x" * 249)).is_dir()

    def test_brackets_in_a_name_are_shown(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        (tmp_path / "talk [official].mp4").write_bytes(face_video.read_bytes())
        done = run("talk [official].mp4")
        assert "talk [official].mp4: 30 of 30" in done.stdout
        assert "out/talk [official]/" in done.stdout

    def test_a_file_in_the_way(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        (tmp_path / "out").write_text("")
        assert_fails(run(face_video), 2, "cannot be written", "--out")

    def test_a_disk_that_takes_no_more(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        try:
            done = run(face_video)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert_fails(done, 2, "File too large", "--out")
        assert list((tmp_path / "out").iterdir()) == []

    def test_equal_names_get_folders_of_their_own(
        self, run: Command, face_video: Path, tmp_path: Path
    ) -> None:
        for name in ("a.mp4", "a.mov"):
            (tmp_path / name).write_bytes(face_video.read_bytes())
        assert run("a.mp4", "a.mov").returncode == 0
        assert {"a.mp4", "a.mov"} <= {path.name for path in (tmp_path / "out").iterdir()}
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "a.mp4").write_bytes(face_video.read_bytes())
        assert_fails(run("a.mp4", "sub/a.mp4"), 2, "would share a folder")

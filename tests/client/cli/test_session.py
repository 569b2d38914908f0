"""All inputs of one command: what fails is told and stops no other."""

import json
import os
from pathlib import Path
from typing import Any, NoReturn

import pytest

from fer_client.media import video
from fer_client.media.sources import VideoFile, VideoSource
from support.command import Command, assert_fails
from support.protocol_server import ProtocolServer
from support.videos import write_video


class TestInputsThatFail:
    def test_no_server_is_started_where_nothing_can_be_read(self, command: Command) -> None:
        assert_fails(command("nowhere.mp4", "--detector", "lumaface"), 3, "nowhere.mp4")

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


class TestServersThatFail:
    def test_what_was_done_before_the_server_failed_is_told(
        self, run: Command, face_video: Path, server: ProtocolServer, tmp_path: Path
    ) -> None:
        write_video(tmp_path / "second.mp4")
        server.fail_after = 1
        done = run("nowhere.mp4", face_video, "second.mp4", "--json", "--timeout", "5")
        printed = json.loads(done.stdout)
        assert done.returncode == 4
        assert [result["input"]["name"] for result in printed["results"]] == ["face.mp4"]
        assert [bad["input"] for bad in printed["failed"]] == ["nowhere.mp4"]
        assert "made to fail" in printed["ended_by"]

    def test_a_missing_server_does_not_hide_a_missing_video(self, run: Command, face_video: Path) -> None:
        done = run("nowhere.mp4", face_video, "--url", "127.0.0.1:9", "--json")
        printed = json.loads(done.stdout)
        assert done.returncode == 4
        assert [bad["input"] for bad in printed["failed"]] == ["nowhere.mp4"]
        assert "127.0.0.1:9" in printed["ended_by"]
        assert len(done.stderr.splitlines()) == 2


class TestNotes:
    def test_results_that_are_passed_over(self, run: Command, tmp_path: Path) -> None:
        (tmp_path / "study").mkdir()
        write_video(tmp_path / "study" / "talk.mp4")
        for count in (0, 1, 1):
            done = run("study", "-o", "study", "--annotate")
            assert done.returncode == 0, done.stderr
            assert done.stderr.count("passed over, as") == count
        study = (tmp_path / "study" / "study.csv").read_text().splitlines()
        assert len({line.split(",")[0] for line in study[1:]}) == 1

    def test_a_rate_of_pictures_that_nothing_follows(self, run: Command, face_video: Path) -> None:
        done = run(face_video, "--sequence-fps", 5)
        assert done.returncode == 0
        assert "--sequence-fps has no effect" in done.stderr

    def test_what_is_added_to_an_earlier_result(self, run: Command, face_video: Path) -> None:
        run(face_video)
        done = run(face_video, "--relative")
        (earlier,) = (line for line in done.stdout.splitlines() if line.startswith("Earlier in"))
        assert "relative.csv" not in earlier
        assert "Added to out/face/: baselines.csv, relative.csv" in done.stdout

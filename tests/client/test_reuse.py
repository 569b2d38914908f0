"""A run that was stopped goes on where it was: what is done again and what is not."""

import json
import os
from pathlib import Path

import cv2
import pytest

from fer_client.reuse import Earlier, find_earlier
from fer_client.settings import Settings
from fer_client.sources import Photographs, PictureSequence, Stream, VideoFile
from support.command import Command, assert_fails
from support.protocol_server import ProtocolServer
from support.videos import empty_frame, write_video

IDENTITY = {
    "input": {"kind": "video", "name": "a.mp4", "fingerprint": "f"},
    "settings": {"fps": 5.0, "smooth_s": 0.5},
    "models": {"fer": "1", "network": "n"},
}


def write_result(folder: Path, result: object) -> None:
    for name in ("faces.csv", "episodes.csv"):
        (folder / name).write_text("")
    (folder / "summary.json").write_text(json.dumps(result))


class TestRules:
    def test_the_same_holds(self, tmp_path: Path) -> None:
        result = IDENTITY | {"server": "another", "overall": {}}
        write_result(tmp_path, result)
        assert find_earlier(tmp_path, "csv", IDENTITY) == Earlier(result)

    @pytest.mark.parametrize(
        ("change", "word"),
        [
            ({"input": IDENTITY["input"] | {"fingerprint": "g"}}, "input has changed"),
            ({"settings": {"fps": None, "smooth_s": 0.5}}, "fps was 5.0 and is None"),
            ({"settings": {"fps": 5.0, "smooth_s": 0.5, "new": 1}}, "another release"),
            ({"models": {"fer": "1", "network": "m"}}, "another network"),
            ({"input": IDENTITY["input"] | {"fingerprint": None}}, "address"),
        ],
    )
    def test_whatever_changed_is_named(self, tmp_path: Path, change: dict, word: str) -> None:
        write_result(tmp_path, IDENTITY)
        earlier = find_earlier(tmp_path, "csv", IDENTITY | change)
        assert earlier.result is None
        assert word in str(earlier.reason)

    def test_tables_of_another_format(self, tmp_path: Path) -> None:
        write_result(tmp_path, IDENTITY)
        assert "format" in str(find_earlier(tmp_path, "jsonl", IDENTITY).reason)

    def test_a_table_that_is_missing(self, tmp_path: Path) -> None:
        write_result(tmp_path, IDENTITY)
        (tmp_path / "episodes.csv").unlink()
        assert find_earlier(tmp_path, "csv", IDENTITY).reason == "episodes.csv is missing"
        (tmp_path / "faces.csv").unlink()
        assert find_earlier(tmp_path, "csv", IDENTITY).reason == "faces.csv is missing"

    @pytest.mark.parametrize("text", ["", "{", "[]", '"text"'])
    def test_nothing_that_can_be_read(self, tmp_path: Path, text: str) -> None:
        assert find_earlier(tmp_path / "nowhere", "csv", IDENTITY) == Earlier()
        (tmp_path / "summary.json").write_text(text)
        assert find_earlier(tmp_path, "csv", IDENTITY) == Earlier()


class TestSettings:
    """Settings that cannot change an input's result do not make it again."""

    def test_a_photograph_depends_on_few(self) -> None:
        assert Settings().as_record("photographs").keys() == {"photo_side", "min_score", "min_face"}

    @pytest.mark.parametrize("kind", ["video", "stream", "sequence"])
    def test_a_film_depends_on_all_but_the_photographs_own(self, kind: str) -> None:
        names = {"fps", "detect_every", "smooth_s", "duration_s", "detection_side"}
        names |= {"min_score", "min_face", "partial"} | ({"sequence_fps"} if kind == "sequence" else set())
        assert Settings().as_record(kind).keys() == names

    def test_every_kind_of_input_is_known(self) -> None:
        for kind in (VideoFile, Stream, PictureSequence, Photographs):
            assert Settings().as_record(kind.kind)


class TestCommand:
    @pytest.fixture(autouse=True)
    def _videos(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            write_video(tmp_path / f"{name}.mp4", [empty_frame()] * 4)

    def times(self, tmp_path: Path) -> dict[str, int]:
        return {folder.name: folder.stat().st_ino for folder in (tmp_path / "out").iterdir()}

    def test_what_is_done_stays_and_is_told(self, run: Command, tmp_path: Path) -> None:
        run("a.mp4")
        before = self.times(tmp_path)
        done = run("a.mp4", "b.mp4", "--json")
        assert done.returncode == 0
        assert [result["input"]["name"] for result in json.loads(done.stdout)["results"]] == [
            "a.mp4",
            "b.mp4",
        ]
        assert self.times(tmp_path)["a"] == before["a"]
        done = run("a.mp4")
        assert "done before" in done.stdout
        assert done.stderr == ""

    def test_overwrite_does_it_again(self, run: Command, tmp_path: Path) -> None:
        run("a.mp4")
        before = self.times(tmp_path)
        assert "4 of 4" in run("a.mp4", "--overwrite").stdout
        assert self.times(tmp_path) != before

    def test_a_copy_is_the_same_and_a_new_video_is_not(self, run: Command, tmp_path: Path) -> None:
        run("a.mp4")
        data = (tmp_path / "a.mp4").read_bytes()
        (tmp_path / "a.mp4").unlink()
        (tmp_path / "a.mp4").write_bytes(data)
        os.utime(tmp_path / "a.mp4", (1, 1))
        assert "done before" in run("a.mp4").stdout
        write_video(tmp_path / "a.mp4", [empty_frame()] * 5)
        done = run("a.mp4")
        assert done.stderr == "a.mp4: analysed again, since the input has changed.\n"
        assert "5 of 5" in done.stdout

    def test_other_settings_and_networks_are_told(self, run: Command, server: ProtocolServer) -> None:
        run("a.mp4")
        assert run("a.mp4", "--smooth", "1").stderr == (
            "a.mp4: analysed again, since smooth_s was 0.5 and is 1.0.\n"
        )
        assert run("a.mp4", "--smooth", "1", "--batch-size", "7").stderr == ""
        server.labels = ["calm", "lively"]
        assert "another network" in run("a.mp4", "--smooth", "1").stderr

    def test_settings_of_other_kinds_of_input_change_nothing(self, run: Command, tmp_path: Path) -> None:
        cv2.imwrite(str(tmp_path / "p.png"), empty_frame())
        run("a.mp4", "p.png")
        assert run("a.mp4", "--photo-side", "320").stdout.startswith("a.mp4: done before")
        assert run("p.png", "--fps", "5", "--smooth", "1", "--partial").stdout.startswith(
            "p.png: done before"
        )

    def test_files_of_the_user_beside_a_result_stop_nothing(self, run: Command, tmp_path: Path) -> None:
        run("a.mp4")
        note = tmp_path / "out" / "a" / ".~lock.faces.csv#"
        note.write_text("mine")
        before = self.times(tmp_path)["a"]
        done = run("a.mp4", "b.mp4")
        assert done.returncode == 0, done.stderr
        assert "a.mp4: done before" in done.stdout
        assert self.times(tmp_path).keys() >= {"a", "b"}
        assert self.times(tmp_path)["a"] == before

    def test_a_result_beside_files_of_the_user_is_not_replaced(self, run: Command, tmp_path: Path) -> None:
        run("a.mp4")
        note = tmp_path / "out" / "a" / "notes.txt"
        note.write_text("mine")
        for option in (("--smooth", "1"), ("--overwrite",)):
            done = run("a.mp4", "b.mp4", *option)
            assert_fails(done, 2, "notes.txt")
            assert "b.mp4: 4 of 4" in done.stdout
            assert note.read_text() == "mine"
        assert (
            json.loads((tmp_path / "out" / "a" / "summary.json").read_text())["settings"]["smooth_s"] == 0.5
        )

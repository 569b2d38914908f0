"""Inputs of one name: no result of one is lost to another, and each finds its own again."""

import json
import os
import shutil
import threading
from pathlib import Path

import cv2
import pytest

from fer_client.outputs.places import Place, find_place, free_folder
from support.command import Command, assert_fails
from support.results import write_summary
from support.videos import empty_frame, face_frame, write_video
from support.web import web

KNOWN = {"kind": "video", "name": "a.mp4", "origin": "/day1/a.mp4", "fingerprint": "f"}


class TestRules:
    def test_what_stands_there_or_has_its_content_is_the_same(self, tmp_path: Path) -> None:
        result = write_summary(tmp_path / "a", KNOWN)
        for change in ({"origin": "/moved/a.mp4"}, {"fingerprint": "changed"}):
            assert find_place(tmp_path / "a", KNOWN | change) == Place(tmp_path / "a", result)

    def test_another_gets_a_number(self, tmp_path: Path) -> None:
        write_summary(tmp_path / "a", KNOWN)
        other = KNOWN | {"origin": "/day2/a.mp4", "fingerprint": "g"}
        assert find_place(tmp_path / "a", other) == Place(tmp_path / "a-2", taken_by="/day1/a.mp4")

    def test_a_numbered_one_is_found_again(self, tmp_path: Path) -> None:
        write_summary(tmp_path / "a", KNOWN)
        (tmp_path / "a-2").mkdir()
        (tmp_path / "a-notes").mkdir()
        other = KNOWN | {"origin": "/day2/a.mp4", "fingerprint": "g"}
        result = write_summary(tmp_path / "a-10", other)
        assert find_place(tmp_path / "a", other) == Place(tmp_path / "a-10", result)
        shutil.rmtree(tmp_path / "a")
        assert find_place(tmp_path / "a", other) == Place(tmp_path / "a-10", result)
        assert free_folder(tmp_path / "a-10") == tmp_path / "a-10-2"

    def test_without_a_recorded_origin_the_content_decides(self, tmp_path: Path) -> None:
        old = {key: value for key, value in KNOWN.items() if key != "origin"}
        result = write_summary(tmp_path / "a", old)
        assert find_place(tmp_path / "a", KNOWN).earlier == result
        assert find_place(tmp_path / "a", KNOWN | {"fingerprint": "g"}).folder == tmp_path / "a-2"

    def test_addresses(self, tmp_path: Path) -> None:
        known = KNOWN | {"kind": "stream", "origin": "http://host/a.mp4", "fingerprint": None}
        result = write_summary(tmp_path / "a", known)
        assert find_place(tmp_path / "a", known).earlier == result
        assert find_place(tmp_path / "a", known | {"origin": None}).folder == tmp_path / "a-2"
        write_summary(tmp_path / "cam", known, is_live=True)
        assert find_place(tmp_path / "cam", known).folder == tmp_path / "cam-2"

    @pytest.mark.parametrize("text", ["", "{", "[]", '"text"', '{"input": 1}'])
    def test_a_result_of_nobody_knows_what_stays(self, tmp_path: Path, text: str) -> None:
        assert find_place(tmp_path / "a", KNOWN) == Place(tmp_path / "a")
        (tmp_path / "a").mkdir()
        assert find_place(tmp_path / "a", KNOWN) == Place(tmp_path / "a")
        (tmp_path / "a" / "summary.json").write_text(text)
        assert find_place(tmp_path / "a", KNOWN) == Place(tmp_path / "a-2", taken_by="another input")


def summary(folder: Path) -> dict:
    return json.loads((folder / "summary.json").read_text())


class TestCommand:
    @pytest.fixture(autouse=True)
    def _days(self, tmp_path: Path) -> None:
        for day in (1, 2):
            (tmp_path / f"day{day}").mkdir()
            write_video(tmp_path / f"day{day}" / "talk.mp4", [empty_frame()] * (3 + day))

    def test_videos_of_one_name_keep_their_results(self, run: Command, tmp_path: Path) -> None:
        assert run("day1/talk.mp4").stderr == ""
        told = run("day2/talk.mp4").stderr
        first = (tmp_path / "day1" / "talk.mp4").resolve()
        assert (
            told == f"day2/talk.mp4: its result goes to out/talk-2, since out/talk holds that of {first}.\n"
        )
        for day, folder in ((1, "talk"), (2, "talk-2")):
            assert summary(tmp_path / "out" / folder)["frames_decoded"] == 3 + day
            done = run(f"day{day}/talk.mp4")
            assert "done before" in done.stdout
            assert f"out/{folder}/" in done.stdout

    def test_a_moved_video_is_the_same(self, run: Command, tmp_path: Path) -> None:
        run("day1/talk.mp4")
        (tmp_path / "day1").rename(tmp_path / "archive")
        assert "done before" in run("archive/talk.mp4").stdout

    def test_overwrite_replaces_its_own(self, run: Command, tmp_path: Path) -> None:
        run("day1/talk.mp4")
        run("day2/talk.mp4", "--overwrite")
        run("day2/talk.mp4", "--overwrite", "--fps", "5")
        assert summary(tmp_path / "out" / "talk")["frames_decoded"] == 4
        assert summary(tmp_path / "out" / "talk-2")["settings"]["fps"] == 5
        assert sorted(os.listdir(tmp_path / "out")) == ["talk", "talk-2"]

    def test_photographs_and_sequences(self, run: Command, tmp_path: Path) -> None:
        for day in (1, 2):
            for sort in ("shots", "photos"):
                (tmp_path / f"day{day}" / sort).mkdir()
                for number in range(day, 4):
                    cv2.imwrite(str(tmp_path / f"day{day}" / sort / f"{number}.png"), empty_frame())
            assert run(f"day{day}/photos").returncode == 0
            assert run(f"day{day}/shots", "--sequence-fps", "5").returncode == 0
        assert run("day1/shots/%d.png", "--sequence-fps", "5").stdout.startswith("shots: done before")
        cv2.imwrite(str(tmp_path / "day1" / "shots" / "b1.png"), empty_frame())
        assert run("day1/shots/b%d.png", "--sequence-fps", "5").returncode == 0
        counts = {
            str(path.parent.relative_to(tmp_path / "out")): summary(path.parent)["frames_analysed"]
            for path in (tmp_path / "out").rglob("summary.json")
        }
        assert counts == {
            "photos/photographs": 3,
            "photos/photographs-2": 2,
            "shots": 3,
            "shots-2": 2,
            "shots-3": 1,
        }
        cv2.imwrite(str(tmp_path / "day2" / "photos" / "9.png"), face_frame())
        assert "the input has changed" in run("day2/photos").stderr
        assert summary(tmp_path / "out" / "photos" / "photographs-2")["frames_analysed"] == 3

    def test_a_camera_recorded_twice(self, run: Command, tmp_path: Path) -> None:
        write_video(tmp_path / "cam.ts", [empty_frame()] * 30)
        (closing := threading.Event()).set()
        with web(tmp_path, closing) as address:
            for options in ([], [], ["--overwrite"]):
                assert run(f"{address}/live/cam.ts", "--duration", "0.3", *options).returncode == 0
            told = run(f"{address}/live/cam.ts", "--duration", "0.3").stderr
        assert "its result goes to out/127.0.0.1-cam-4, since out/127.0.0.1-cam holds an earlier one." in told
        names = sorted(os.listdir(tmp_path / "out"))
        assert names == ["127.0.0.1-cam", *(f"127.0.0.1-cam-{number}" for number in (2, 3, 4))]
        assert all(summary(tmp_path / "out" / name)["video"]["is_live"] for name in names)

    def test_a_video_of_an_address_is_done_again(self, run: Command, tmp_path: Path) -> None:
        with web(tmp_path / "day1", threading.Event()) as address:
            run(f"{address}/talk.mp4")
            assert "may have changed" in run(f"{address}/talk.mp4").stderr
            assert_fails(run(f"{address}/talk.mp4", "--fps", "5"), 2, "--overwrite")
            assert os.listdir(tmp_path / "out") == ["127.0.0.1-talk"]
            assert "out/127.0.0.1-talk-2" in run(f"{address}/talk.mp4?id=2").stderr

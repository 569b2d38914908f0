"""A run that was stopped goes on where it was: what is done again and what is not."""

import json
import os
from pathlib import Path

import cv2
import pytest

from fer_client.outputs.places import Place
from fer_client.outputs.reuse import Earlier, judge
from fer_client.outputs.summary import Summary
from fer_client.temporal.frame import AnalysedFrame
from support.command import Command, assert_fails
from support.protocol_server import ProtocolServer
from support.videos import empty_frame, write_video

IDENTITY = {
    "input": {"kind": "video", "name": "a.mp4", "fingerprint": "f"},
    "settings": {"fps": 5.0, "smooth_s": 0.5},
    "models": {"fer": "1", "network": "n", "answers": [[0.25, 0.75]]},
}


def write_result(folder: Path, result: object) -> None:
    for name in ("faces.csv", "episodes.csv"):
        (folder / name).write_text("")
    (folder / "summary.json").write_text(json.dumps(result))


class TestRules:
    def test_the_same_holds(self, tmp_path: Path) -> None:
        result = IDENTITY | {"server": "another", "overall": {}}
        write_result(tmp_path, result)
        assert judge(Place(tmp_path, result), "csv", IDENTITY) == Earlier(result)

    def test_answers_of_another_processor_are_of_the_same_network(self, tmp_path: Path) -> None:
        write_result(tmp_path, IDENTITY)
        near = IDENTITY["models"] | {"answers": [[0.2504, 0.7496]]}
        assert judge(Place(tmp_path, IDENTITY), "csv", IDENTITY | {"models": near}) == Earlier(IDENTITY)

    @pytest.mark.parametrize(
        ("change", "word"),
        [
            ({"input": IDENTITY["input"] | {"fingerprint": "g"}}, "input has changed"),
            ({"settings": {"fps": 5.0, "smooth_s": 0.5, "new": 1}}, "another release"),
            ({"models": IDENTITY["models"] | {"network": "m"}}, "another network"),
            ({"models": IDENTITY["models"] | {"answers": [[0.26, 0.74]]}}, "another network"),
            ({"models": IDENTITY["models"] | {"answers": [[0.25, 0.75, 0.1]]}}, "another network"),
            ({"input": IDENTITY["input"] | {"fingerprint": None}}, "address"),
        ],
    )
    def test_whatever_changed_is_named(self, tmp_path: Path, change: dict, word: str) -> None:
        write_result(tmp_path, IDENTITY)
        earlier = judge(Place(tmp_path, IDENTITY), "csv", IDENTITY | change)
        assert (earlier.result, earlier.choice) == (None, None)
        assert word in str(earlier.reason)

    def test_other_settings_are_the_users_choice(self, tmp_path: Path) -> None:
        write_result(tmp_path, IDENTITY)
        now = IDENTITY | {"settings": {"fps": None, "smooth_s": 0.5, "new": 1}}
        assert judge(Place(tmp_path, IDENTITY), "csv", now) == Earlier(choice="fps was 5.0 and is None")

    @pytest.mark.parametrize("answers", [None, "text", [["a", "b"]], [[0.25], [0.25, 0.75]], {"a": 1}])
    def test_a_result_that_does_not_tell_the_networks_answers(self, tmp_path: Path, answers: object) -> None:
        write_result(tmp_path, IDENTITY)
        earlier = IDENTITY | {"models": IDENTITY["models"] | {"answers": answers}}
        assert "another network" in str(judge(Place(tmp_path, earlier), "csv", IDENTITY).reason)

    def test_tables_of_another_format(self, tmp_path: Path) -> None:
        write_result(tmp_path, IDENTITY)
        assert "format" in str(judge(Place(tmp_path, IDENTITY), "jsonl", IDENTITY).reason)

    def test_a_table_that_is_missing(self, tmp_path: Path) -> None:
        write_result(tmp_path, IDENTITY)
        (tmp_path / "episodes.csv").unlink()
        assert judge(Place(tmp_path, IDENTITY), "csv", IDENTITY).reason == "episodes.csv is missing"
        (tmp_path / "faces.csv").unlink()
        assert judge(Place(tmp_path, IDENTITY), "csv", IDENTITY).reason == "faces.csv is missing"

    def test_nothing_there(self, tmp_path: Path) -> None:
        assert judge(Place(tmp_path), "csv", IDENTITY) == Earlier()


class TestCommand:
    @pytest.fixture(autouse=True)
    def _videos(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            write_video(tmp_path / f"{name}.mp4", [empty_frame()] * 4)

    def times(self, tmp_path: Path) -> dict[str, int]:
        return {
            folder.name: folder.stat().st_ino for folder in (tmp_path / "out").iterdir() if folder.is_dir()
        }

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

    def test_other_settings_replace_nothing_unasked(self, run: Command, tmp_path: Path) -> None:
        run("a.mp4")
        before = self.times(tmp_path)
        done = run("a.mp4", "b.mp4", "--smooth", "1")
        assert_fails(done, 2, "a.mp4", "smooth_s was 0.5 and is 1.0", "--overwrite", "--out")
        assert "b.mp4: 4 of 4" in done.stdout
        assert self.times(tmp_path)["a"] == before["a"]
        assert run("a.mp4", "--smooth", "1", "--overwrite").returncode == 0
        assert run("a.mp4", "--smooth", "1", "--batch-size", "7").stderr == ""

    def test_another_network_is_told(self, run: Command, server: ProtocolServer) -> None:
        run("a.mp4")
        server.labels = ["calm", "lively"]
        assert "another network" in run("a.mp4").stderr

    @pytest.mark.parametrize("colours", [1, 3])
    @pytest.mark.parametrize("batch", [1, 64])
    def test_another_temperature_is_another_network(
        self, run: Command, server: ProtocolServer, colours: int, batch: int
    ) -> None:
        server.crop_shape, server.with_affect, server.max_batch_size = (48, 40, colours), True, batch
        run("a.mp4")
        server.noise = 4e-4
        assert "done before" in run("a.mp4").stdout
        server.temperature = 1.05
        done = run("a.mp4")
        assert "another network" in done.stderr
        assert "4 of 4" in done.stdout

    def test_another_side_of_the_crops_is_another_network(self, run: Command, server: ProtocolServer) -> None:
        run("a.mp4")
        server.crop_shape = (48, 48, 1)
        assert "another network" in run("a.mp4").stderr

    def test_a_file_that_grows_meanwhile_is_not_done(
        self, run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Growing(Summary):
            def add(self, frame: AnalysedFrame) -> None:
                with (tmp_path / "a.mp4").open("ab") as file:
                    file.write(bytes(8))
                super().add(frame)

        monkeypatch.setattr("fer_client.outputs.summary_file.Summary", Growing)
        done = run("a.mp4", "b.mp4")
        assert_fails(done, 3, "a.mp4", "changed while it was analysed")
        assert self.times(tmp_path).keys() == {"b"}
        monkeypatch.undo()
        monkeypatch.chdir(tmp_path)
        assert "a.mp4: 4 of 4" in run("a.mp4").stdout

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
        done = run("a.mp4", "b.mp4", "--smooth", "1", "--overwrite")
        assert_fails(done, 2, "notes.txt")
        assert "b.mp4: 4 of 4" in done.stdout
        assert note.read_text() == "mine"
        assert (
            json.loads((tmp_path / "out" / "a" / "summary.json").read_text())["settings"]["smooth_s"] == 0.5
        )

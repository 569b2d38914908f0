"""The folder of a result: it appears whole or not at all, and nothing of the user's is lost."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import grpc
import pytest

from fer_client.errors import UsageError
from fer_client.outputs.result_folder import check_target, input_places, prepare_folder, result_folder
from support.command import Command, assert_fails
from support.inputs import touch
from support.protocol_server import ProtocolServer
from support.results import write_summary
from support.videos import face_frame, write_video


class TestResultFolder:
    def test_a_link_in_the_way(self, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "clip").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(UsageError, match="in the way"):
            check_target(tmp_path / "clip", input_places([]))

    def test_failure_leaves_nothing_and_success_all(self, tmp_path: Path) -> None:
        target = tmp_path / "clip"
        with pytest.raises(KeyError), result_folder(target) as draft:
            (draft.folder / "faces.csv").write_text("half")
            raise KeyError
        assert list(tmp_path.iterdir()) == []
        with result_folder(target) as draft:
            (draft.folder / "faces.csv").write_text("whole")
        assert (target / "faces.csv").read_text() == "whole"
        assert [path.name for path in tmp_path.iterdir()] == ["clip"]

    def test_what_came_into_the_folder_meanwhile_is_kept(self, tmp_path: Path) -> None:
        target = tmp_path / "clip"
        with result_folder(target) as draft:
            (draft.folder / "summary.json").write_text("old")
        with pytest.raises(UsageError, match=r"notes\.txt"), result_folder(target) as draft:
            (draft.folder / "summary.json").write_text("new")
            (target / "notes.txt").write_text("mine")
        assert {path.name: path.read_text() for path in target.iterdir()} == {
            "summary.json": "old",
            "notes.txt": "mine",
        }
        assert [path.name for path in tmp_path.iterdir()] == ["clip"]


class TestLeftovers:
    """What a run that was killed leaves behind is removed; what is in use, or not ours, is not."""

    def test_a_killed_run_leaves_nothing_for_good(self, tmp_path: Path) -> None:
        code = (
            "import os, pathlib, signal\n"
            "from fer_client.outputs.result_folder import result_folder\n"
            "with result_folder(pathlib.Path('clip')) as draft:\n"
            "    (draft.folder / 'faces.csv').write_text('half')\n"
            "    os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False)
        (left,) = tmp_path.iterdir()
        assert left.name.startswith(".fer-")
        prepare_folder(tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_another_runs_folder_stays(self, tmp_path: Path) -> None:
        with result_folder(tmp_path / "clip") as draft:
            (draft.folder / "faces.csv").write_text("half")
            prepare_folder(tmp_path)
            assert (draft.folder / "faces.csv").read_text() == "half"
        assert (tmp_path / "clip" / "faces.csv").exists()

    def test_folders_of_others_stay(self, tmp_path: Path) -> None:
        touch(tmp_path, ".fer-notes/mine.txt", ".fer-file")
        (tmp_path / ".fer-empty").mkdir()
        prepare_folder(tmp_path)
        assert len(list(tmp_path.iterdir())) == 3


class TestSwap:
    """The earlier result or the new one stands there, whenever the run is killed."""

    CODE = (
        "import os, pathlib, signal, sys\n"
        "from fer_client.outputs.result_folder import result_folder\n"
        "rename = pathlib.Path.rename\n"
        "def rename_and_die(self, target):\n"
        "    rename(self, target)\n"
        "    if self.name == 'clip':\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "pathlib.Path.rename = rename_and_die\n"
        "with result_folder(pathlib.Path('clip')) as draft:\n"
        "    (draft.folder / 'summary.json').write_text('new')\n"
    )

    @pytest.mark.skipif(sys.platform != "linux", reason="needs renameat2")
    def test_a_kill_between_two_renames_loses_nothing(self, tmp_path: Path) -> None:
        write_summary(tmp_path / "clip", {})
        subprocess.run([sys.executable, "-c", self.CODE], cwd=tmp_path, check=False)
        assert (tmp_path / "clip" / "summary.json").read_text() == "new"
        assert os.listdir(tmp_path) == ["clip"]

    def test_where_the_disk_cannot_exchange(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        class Old:
            def __init__(self, _name: None) -> None:
                """A C library without renameat2."""

        monkeypatch.setattr("ctypes.CDLL", Old)
        write_summary(tmp_path / "clip", {})
        with result_folder(tmp_path / "clip") as draft:
            (draft.folder / "summary.json").write_text("new")
        assert (tmp_path / "clip" / "summary.json").read_text() == "new"
        assert os.listdir(tmp_path) == ["clip"]

    def test_runs_at_once_under_one_name_keep_both(self, tmp_path: Path) -> None:
        places = []
        with result_folder(tmp_path / "a", replaces=False) as first:
            with result_folder(tmp_path / "a", replaces=False) as second:
                for draft in (first, second):
                    (draft.folder / "summary.json").write_text("whole")
            places.append(second.place)
        places.append(first.place)
        assert places == [tmp_path / "a", tmp_path / "a-2"]
        assert sorted(os.listdir(tmp_path)) == ["a", "a-2"]


class TestCommand:
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


def write(path: Path, count: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, [face_frame()] * count)


def test_results_below_a_result_are_not_called_files_of_the_user(run: Command, tmp_path: Path) -> None:
    write(tmp_path / "talk" / "a.mp4", 2)
    write(tmp_path / "talk.mp4", 3)
    assert run("talk").returncode == 0
    done = run("talk.mp4")
    assert_fails(done, 2, "out/talk holds", "(a)", "--out")
    assert "did not write" not in done.stderr
    assert (tmp_path / "out" / "talk" / "a" / "summary.json").exists()

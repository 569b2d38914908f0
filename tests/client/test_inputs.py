"""What the words on the command line stand for, and where the results go."""

import io
import os
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from fer_client.errors import InputError, UsageError
from fer_client.media.discovery import find_inputs, natural
from fer_client.media.fingerprints import fingerprint
from fer_client.media.sources import ImageSequence, Photographs, Source, Stream, VideoFile
from fer_client.outputs.folder import check_target, folder_names, input_places, prepare_folder, result_folder


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def found(*words: object, fps: float | None = None, out: Path | None = None) -> list[Source]:
    inputs = find_inputs([str(word) for word in words], fps, out)
    assert not inputs.failures
    return inputs.sources


def named(*words: str) -> list[str]:
    return [str(name) for name in folder_names(found(*words))]


class TestFolders:
    def test_a_folder_stands_for_all_below_in_the_same_tree(self, tmp_path: Path) -> None:
        touch(tmp_path / "study", "b.MP4", "p2/talk.mov", "p10/talk.mov", "p2/a.jpg", "p2/b.PNG", "notes.txt")
        touch(tmp_path / "study", ".hidden.mp4", ".trash/c.mp4")
        sources = found(tmp_path / "study")
        assert [str(name) for name in folder_names(sources)] == [
            "study/b",
            "study/p2/talk",
            "study/p2/photographs",
            "study/p10/talk",
        ]
        photographs = sources[2]
        assert isinstance(photographs, Photographs)
        assert [path.name for path in photographs.paths] == ["a.jpg", "b.PNG"]

    def test_results_and_linked_folders_are_passed_over(self, tmp_path: Path) -> None:
        touch(tmp_path, "a.mp4", "out/a/annotated.mp4")
        (tmp_path / "loop").symlink_to(tmp_path)
        assert [source.shown for source in found(tmp_path, out=tmp_path / "out")] == [str(tmp_path / "a.mp4")]

    def test_a_folder_without_anything_is_told_and_stops_no_other(self, tmp_path: Path) -> None:
        touch(tmp_path, "empty/notes.txt", "a.mp4")
        inputs = find_inputs([str(tmp_path / "empty"), str(tmp_path / "a.mp4")], None)
        assert [source.label for source in inputs.sources] == ["a.mp4"]
        assert "holds none" in str(inputs.failures[str(tmp_path / "empty")])

    def test_a_folder_that_cannot_be_read_stops_no_other(self, tmp_path: Path) -> None:
        touch(tmp_path, "a/a.mp4", "locked/b.mp4", "z.mp4")
        locked = tmp_path / "locked"
        locked.chmod(0)
        if os.access(locked, os.R_OK):
            pytest.skip("this user may read everything")
        inputs = find_inputs([str(tmp_path)], None)
        locked.chmod(0o700)
        assert sorted(source.label for source in inputs.sources) == ["a.mp4", "z.mp4"]
        assert "Permission denied" in str(inputs.failures.pop(str(locked)))
        assert not inputs.failures


class TestWrongWords:
    """A word that cannot be used is one failure, and the others stay."""

    def failure(self, word: str) -> tuple[str, str]:
        inputs = find_inputs([word, "a.mp4"], None)
        assert [source.label for source in inputs.sources] == ["a.mp4"]
        ((name, error),) = inputs.failures.items()
        assert type(error) is InputError
        return name, str(error)

    def test_a_list_with_zero_bytes(self) -> None:
        name, told = self.failure("b.mp4\0c.mp4\0")
        assert name == "b.mp4"
        assert "\0" not in told
        assert "one per line" in told
        assert "-print0" in told

    @pytest.mark.parametrize(
        "address",
        [
            "http://me:hush@[::1/x.mp4?key=1",
            "http://me:hush@ho℀st/x.mp4?key=1",
            "http://me:hu/hush@host/x.mp4?key=1",
            "http://me:hu?hush@host/x.mp4?key=1",
            "http://me:hu#hush@host/x.mp4?key=1",
        ],
    )
    def test_an_address_that_is_none(self, address: str) -> None:
        name, told = self.failure(address)
        assert name.startswith("http://")
        assert name in told
        assert "hu" not in told + name
        assert "key" not in told + name

    @pytest.mark.parametrize("word", ["x" * 300, f"{'y/' * 3000}z.mp4", f"%0{'9' * 300}d.png"])
    def test_a_name_that_no_file_can_have(self, word: str) -> None:
        assert "File name too long" in self.failure(word)[1]

    def test_a_width_that_no_number_has(self, tmp_path: Path) -> None:
        (source,) = found(tmp_path / "%099999999999d.png")
        with pytest.raises(InputError, match="No such file"):
            source.check()

    def test_an_empty_word(self) -> None:
        with pytest.raises(UsageError, match="empty"):
            find_inputs(["a.mp4", ""], None)


class TestSequences:
    def test_a_pattern_goes_by_the_numbers(self, tmp_path: Path) -> None:
        touch(tmp_path / "shots", "f00007.png", "f00008.png", "f00017.png", "f9.png", "g00001.png")
        (sequence,) = found(tmp_path / "shots" / "f%05d.png", fps=10)
        assert isinstance(sequence, ImageSequence)
        assert [path.name for path in sequence.paths] == ["f00007.png", "f00008.png", "f00017.png"]
        assert sequence.times_s == (0, 0.1, 1.0)
        assert sequence.duration_s == pytest.approx(1.1)
        assert folder_names([sequence]) == [PurePosixPath("shots")]

    def test_a_pattern_needs_its_pace(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="--sequence-fps 25"):
            find_inputs([str(tmp_path / "%d.png")], None)

    def test_a_pattern_that_nothing_fits(self, tmp_path: Path) -> None:
        assert find_inputs([str(tmp_path / "%d.png")], 25).failures

    def test_a_folder_becomes_a_film_in_the_order_of_its_numbers(self, tmp_path: Path) -> None:
        touch(tmp_path, "shot10.jpg", "shot9.jpg", "shot1.jpg", "talk.mp4")
        (sequence,) = found(tmp_path, fps=2)
        assert isinstance(sequence, ImageSequence)
        assert [path.name for path in sequence.paths] == ["shot1.jpg", "shot9.jpg", "shot10.jpg"]
        assert sequence.times_s == (0, 0.5, 1)

    def test_a_file_may_be_named_like_a_pattern(self, tmp_path: Path) -> None:
        touch(tmp_path, "50%d.mp4")
        assert isinstance(found(tmp_path / "50%d.mp4")[0], VideoFile)

    def test_natural_order(self) -> None:
        assert sorted(["b", "a10", "a9", "10", "9", "a"], key=natural) == ["9", "10", "a", "a9", "a10", "b"]


class TestList:
    def give(self, monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))

    def test_one_input_per_line_with_any_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.give(monkeypatch, b"a b.mp4\r\n\ncaf\xe9.mp4\nrtsp://cam/1\n")
        sources = found("first.mp4", "-")
        assert [source.label for source in sources] == ["first.mp4", "a b.mp4", "caf\udce9.mp4", "cam-1"]
        assert isinstance(sources[-1], Stream)

    def test_an_empty_list(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.give(monkeypatch, b"\n")
        with pytest.raises(UsageError, match="standard input"):
            find_inputs(["-"], None)


class TestNames:
    def test_stems_or_whole_names(self) -> None:
        assert named("a/x.mp4", "y.mov") == ["x", "y"]
        assert named("x.mp4", "x.mov", "y.mov") == ["x.mp4", "x.mov", "y"]
        with pytest.raises(UsageError, match=r"x\.mp4"):
            named("a/x.mp4", "b/x.mp4")

    def test_a_stem_of_dots_names_no_folder(self) -> None:
        assert named("..mp4", "...mp4", "a.mp4") == ["..mp4", "...mp4", "a"]

    def test_no_result_inside_another(self, tmp_path: Path) -> None:
        touch(tmp_path / "s", "p1.mp4", "p1/a.mp4")
        assert named(str(tmp_path / "s")) == ["s/p1.mp4", "s/p1/a"]

    def test_addresses_keep_their_secrets(self) -> None:
        (stream,) = found("rtsp://user:word@cam.local:554/live/main.sdp?token=x")
        assert stream.shown == "rtsp://cam.local:554/live/main.sdp"
        assert named("http://host/", "https://host/a/talk%20b.mp4?sig=1") == ["host", "host-talk_20b"]

    @pytest.mark.parametrize(
        ("address", "name"),
        [
            ("udp://127.0.0.1:5004", "127.0.0.1-5004"),
            ("udp://@239.0.0.1:1234", "239.0.0.1-1234"),
            ("udp://[::1]:5004", "__1-5004"),
            ("rtsp://camera/stream", "camera-stream"),
            ("rtsp://10.0.0.7:554/live.v2/main.sdp", "10.0.0.7-main"),
        ],
    )
    def test_a_stream_is_named_by_its_host_and_what_it_serves(self, address: str, name: str) -> None:
        assert named(address) == [name]

    @pytest.mark.parametrize(
        ("address", "shown", "name"),
        [
            ("rtsp://cam/user=me&password=word", "rtsp://cam", "cam"),
            ("rtsp://cam/user%3Dme%26password%3Dword/1.sdp", "rtsp://cam/1.sdp", "cam-1"),
            ("rtsp://me:wo@rd@cam/1", "rtsp://cam/1", "cam-1"),
            ("rtsp://me:12/word@cam/1", "rtsp://(hidden)", "stream"),
            ("rtsp://me:12?word@cam/1", "rtsp://(hidden)", "stream"),
            ("rtsp://me:12#word@cam/1", "rtsp://(hidden)", "stream"),
            ("rtsp://cam/1?mail=word@host", "rtsp://cam/1", "cam-1"),
        ],
    )
    def test_secrets_in_odd_places(self, address: str, shown: str, name: str) -> None:
        (stream,) = found(address)
        assert (stream.shown, named(address)) == (shown, [name])

    def test_an_address_with_a_long_name(self) -> None:
        (name,) = named(f"http://host/{'é' * 300}.mp4")
        assert 100 <= len(name.encode()) <= 250

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
            "from fer_client.outputs.folder import result_folder\n"
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


class TestFingerprint:
    def test_content_decides_not_place_or_date(self, tmp_path: Path) -> None:
        data = bytes(range(256)) * 4096
        for name, content in (("a", data), ("b", data), ("c", data[:-1] + b"!"), ("d", data + b"!")):
            (tmp_path / name).write_bytes(content)
        marks = [fingerprint([tmp_path / name]) for name in "abcd"]
        assert marks[0] == marks[1]
        assert len(set(marks)) == 3

    def test_a_file_that_cannot_be_read_counts_as_such(self, tmp_path: Path) -> None:
        touch(tmp_path, "a", "b")
        paths = [tmp_path / "a", tmp_path / "b"]
        whole = fingerprint(paths)
        paths[1].unlink()
        assert fingerprint(paths) == fingerprint(paths) != whole
        paths[1].touch()
        assert fingerprint(paths) != whole

    def test_of_several_files_the_names_count(self, tmp_path: Path) -> None:
        touch(tmp_path, "a", "b", "c")
        assert fingerprint([tmp_path / "a", tmp_path / "b"]) != fingerprint([tmp_path / "a", tmp_path / "c"])


def test_a_stream_that_nobody_serves() -> None:
    (stream,) = found("gopher://host/x")
    assert isinstance(stream, Stream)
    with pytest.raises(InputError, match="gopher"), stream.open():
        pass

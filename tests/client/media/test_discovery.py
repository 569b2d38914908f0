"""What the words on the command line stand for."""

import io
import os
from pathlib import Path, PurePosixPath

import pytest

from fer_client.errors import InputError, UsageError
from fer_client.media.discovery import find_inputs, natural
from fer_client.media.sources import ImageSequence, Photographs, Stream, VideoFile
from fer_client.outputs.result_folder import folder_names
from support.command import Command, assert_fails
from support.inputs import found, touch


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

    def test_results_are_passed_over_wherever_they_stand(self, tmp_path: Path) -> None:
        touch(tmp_path, "a.mp4", "a/summary.json", "a/faces.csv", "a/annotated.mp4", "a/annotated/b.jpg")
        touch(tmp_path, "r1/b/summary.json", "r1/b/faces.parquet", "r1/b/anonymized.mp4", "r1/c.mp4")
        for out in (tmp_path, tmp_path / "r2"):
            inputs = find_inputs([str(tmp_path)], None, out)
            assert [source.label for source in inputs.sources] == ["a.mp4", "c.mp4"]
            assert inputs.earlier == [tmp_path / "a", tmp_path / "r1" / "b"]

    def test_a_folder_of_results_alone_is_told(self, tmp_path: Path) -> None:
        touch(tmp_path, "a/summary.json", "a/faces.csv", "a/annotated.mp4")
        for folder in (tmp_path, tmp_path / "a"):
            (sentence,) = map(str, find_inputs([str(folder)], None).failures.values())
            assert "results of earlier runs" in sentence

    def test_the_picture_of_a_comparison_is_no_photograph(self, tmp_path: Path) -> None:
        touch(tmp_path, "comparison.html", "comparison.png", "comparison.csv", "a.png")
        (photographs,) = found(tmp_path)
        assert [path.name for path in photographs.paths] == ["a.png"]
        (tmp_path / "comparison.csv").unlink()
        assert len(found(tmp_path)[0].paths) == 2

    def test_a_link_that_leads_to_itself_is_passed_over(self, tmp_path: Path) -> None:
        touch(tmp_path, "a.mp4")
        (tmp_path / "circle").symlink_to("circle")
        (tmp_path / "circle.mp4").symlink_to("circle.mp4")
        inputs = find_inputs([str(tmp_path)], None)
        assert [source.label for source in inputs.sources] == ["a.mp4"]
        assert not inputs.failures

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


def test_a_list_on_standard_input(
    run: Command, face_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{face_video}\nnowhere.mp4\n".encode())))
    assert_fails(run("-"), 3, "nowhere.mp4")
    assert (tmp_path / "out" / "face" / "faces.csv").exists()


class TestEmpty:
    def test_an_empty_folder(self, run: Command, tmp_path: Path) -> None:
        assert_fails(run("."), 3, "holds none")
        (tmp_path / "clips").mkdir()
        assert_fails(run("clips"), 3, "clips", "holds none")

"""Which result a word of the command names, and which face of it."""

from pathlib import Path

import pytest

from fer_client.comparison.sides import read_side
from fer_client.errors import UsageError
from support.made_results import made_frame, sure_of, write_result

FRAMES = [made_frame(place, place / 10, {1: sure_of("happy"), 2: sure_of("sad")}) for place in range(5)]


@pytest.mark.parametrize("spec", ["talk", "talk.mp4", "videos/talk.mp4", "{folder}", "{folder}/"])
def test_a_result_is_named_by_its_folder_or_its_input(tmp_path: Path, spec: str) -> None:
    folder = write_result(tmp_path / "out" / "talk", FRAMES)
    side = read_side(spec.format(folder=folder), tmp_path / "out")
    assert side.result.folder == folder
    assert side.face is None
    assert len(side.faces) == 10
    assert side.name == "talk.mp4"


@pytest.mark.parametrize("spec", ["talk:2", "talk.mp4:2"])
def test_a_face_stands_behind_a_colon(tmp_path: Path, spec: str) -> None:
    write_result(tmp_path / "out" / "talk", FRAMES)
    side = read_side(spec, tmp_path / "out")
    assert side.face == 2
    assert side.faces.track.tolist() == [2] * 5
    assert side.name == "talk.mp4, face 2"


def test_a_colon_may_be_part_of_the_name(tmp_path: Path) -> None:
    write_result(tmp_path / "out" / "12:30", FRAMES)
    assert read_side("12:30", tmp_path / "out").face is None
    assert read_side("12:30:1", tmp_path / "out").face == 1


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("gone", "gone is neither"),
        ("gone:1", "gone:1 is neither"),
        ("talk:9", r"none of number 9\. Name one of 1, 2"),
        ("photographs:1", "faces in photographs have no numbers"),
        ("empty", "none was found"),
    ],
)
def test_what_is_not_there_is_told(tmp_path: Path, spec: str, words: str) -> None:
    out = tmp_path / "out"
    write_result(out / "talk", FRAMES)
    write_result(out / "photographs", [made_frame(0, 0.0, {None: sure_of("sad")})], kind="photographs")
    write_result(out / "empty", [made_frame(0, 0.0, {})])
    with pytest.raises(UsageError, match=words):
        read_side(spec, out)

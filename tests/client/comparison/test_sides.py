"""Which result a word of the command names, and which face of it."""

from pathlib import Path

import pytest

from fer_client.comparison.sides import read_side
from fer_client.errors import UsageError
from fer_client.media.fingerprints import fingerprint
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


def analysed(path: Path, folder: Path) -> Path:
    """Make a file, if there is none, and its result as a run writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(str(path))
    known = {"origin": str(path.resolve()), "fingerprint": fingerprint([path])}
    return write_result(folder, FRAMES, name=path.name, input=known)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("face", ["", ":2"])
@pytest.mark.usefixtures("here")
def test_an_input_that_is_there_is_found_wherever_its_result_is(face: str) -> None:
    out = Path("out")
    expected = {
        "day1/talk.mp4": analysed(Path("day1/talk.mp4"), out / "talk"),
        "day2/talk.mp4": analysed(Path("day2/talk.mp4"), out / "talk-2"),
        "study/p1/talk.mp4": analysed(Path("study/p1/talk.mp4"), out / "study" / "p1" / "talk"),
        "study/p2/talk.mp4": analysed(Path("study/p2/talk.mp4"), out / "study" / "p2" / "talk"),
    }
    for spec, folder in expected.items():
        assert read_side(spec + face, out).result.folder == folder
        assert read_side(str(Path(spec).resolve()) + face, out).result.folder == folder


@pytest.mark.usefixtures("here")
def test_a_moved_input_is_known_by_its_content_and_a_copy_by_its_path() -> None:
    out = Path("out")
    first = analysed(Path("day1/talk.mp4"), out / "talk")
    Path("moved").mkdir()
    Path("moved/talk.mp4").write_bytes(Path("day1/talk.mp4").read_bytes())
    assert read_side("moved/talk.mp4", out).result.folder == first
    second = analysed(Path("moved/talk.mp4"), out / "talk-2")
    assert read_side("moved/talk.mp4", out).result.folder == second
    assert read_side("day1/talk.mp4", out).result.folder == first


@pytest.mark.usefixtures("here")
def test_the_path_of_an_input_that_has_gone_finds_its_result() -> None:
    folder = analysed(Path("day2/talk.mp4"), Path("out/talk-2"))
    Path("day2/talk.mp4").unlink()
    assert read_side("day2/talk.mp4", Path("out")).result.folder == folder


@pytest.mark.parametrize("spec", ["day2/talk.mp4", "day2/talk.mp4:1", "gone/talk.mp4", "talk.mov"])
def test_the_result_of_another_input_is_refused(here: Path, spec: str) -> None:
    analysed(Path("day1/talk.mp4"), Path("out/talk"))
    Path("day2").mkdir()
    Path("day2/talk.mp4").write_text("another")
    with pytest.raises(UsageError, match="out/talk holds that of") as caught:
        read_side(spec, Path("out"))
    assert str(here / "day1" / "talk.mp4") in str(caught.value)


@pytest.mark.usefixtures("here")
def test_two_results_of_one_input_are_told_apart_by_their_folders() -> None:
    for folder in ("out/raw/talk", "out/smooth/talk"):
        analysed(Path("talk.mp4"), Path(folder))
    with pytest.raises(UsageError, match="there are 2: out/raw/talk, out/smooth/talk"):
        read_side("talk.mp4", Path("out"))
    assert read_side("smooth/talk", Path("out")).result.folder == Path("out/smooth/talk")


@pytest.mark.usefixtures("here")
def test_a_result_that_still_grows_is_none() -> None:
    analysed(Path("talk.mp4"), Path("out/.fer-1/partial"))
    with pytest.raises(UsageError, match="is neither"):
        read_side("talk.mp4", Path("out"))


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

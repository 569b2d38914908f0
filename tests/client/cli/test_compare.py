"""The command `fer-client compare`: what it writes and prints, and one sentence for what it cannot compare."""

from pathlib import Path

import numpy as np
import pytest

from support.command import Command, Done, read_rows
from support.made_results import LABELS, made_frame, sure_of, write_result

pytest.importorskip("matplotlib")
pytest.importorskip("bokeh")
pytest.importorskip("jinja2")

FILES = ["comparison.csv", "comparison.html", "comparison.png"]


def talk(folder: Path, happy: float, name: str, seconds: int = 40, **changes: dict) -> Path:
    """A face that shows an expression for a second each, `happy` for this share of them."""
    generator = np.random.default_rng(seconds)
    shown = ["happy" if draw < happy else "neutral" for draw in generator.permutation(seconds) / seconds]
    frames = [
        made_frame(place, place / 10, {1: sure_of(shown[place // 10])}) for place in range(seconds * 10)
    ]
    return write_result(folder, frames, name=name, **changes)


def assert_refused(done: Done, words: str) -> None:
    assert done.returncode == 2, done.stderr
    (sentence,) = done.stderr.strip().splitlines()
    assert sentence.startswith("fer-client compare: ")
    assert words in sentence


@pytest.fixture
def results(tmp_path: Path) -> Path:
    talk(tmp_path / "out" / "before", 0.2, "before.mp4")
    talk(tmp_path / "out" / "after", 0.8, "after <b>.mp4")
    talk(tmp_path / "out" / "short", 0.8, "short.mp4", seconds=4)
    return tmp_path / "out"


@pytest.mark.usefixtures("results")
def test_page_picture_and_table_are_written_and_the_shares_printed(command: Command, tmp_path: Path) -> None:
    done = command("compare", "before", "after")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "comparison").iterdir()) == FILES
    assert "A  before.mp4: seen 40.0 s" in done.stdout
    (line,) = [line for line in done.stdout.splitlines() if line.strip().startswith("happy")]
    assert line.split()[1:6] == ["20", "%", "80", "%", "+60"]
    assert line.rstrip().endswith("more in B")
    assert "nor of people in general" in done.stdout
    *_, wrote, page, picture = done.stdout.splitlines()
    assert wrote == "Wrote comparison/: comparison.html, comparison.png, comparison.csv"
    assert (page, picture) == ("Open comparison/comparison.html", "Open comparison/comparison.png")


@pytest.mark.usefixtures("results")
def test_the_table_has_what_is_printed(command: Command, tmp_path: Path) -> None:
    command("compare", "before", "after", "-o", "deep/er")
    rows = read_rows(tmp_path / "deep" / "er" / "comparison.csv")
    assert [row["expression"] for row in rows] == [*LABELS, "uncertain", *LABELS]
    happy = rows[LABELS.index("happy")]
    assert (happy["quantity"], happy["a"], happy["b"]) == ("share", "0.200000", "0.800000")
    assert 0 < float(happy["low"]) < float(happy["difference"]) == 0.6 < float(happy["high"]) <= 1
    assert happy["finding"] == "more in B"


@pytest.mark.usefixtures("results")
def test_the_same_results_give_the_same_files(command: Command, tmp_path: Path) -> None:
    written = []
    for out in ("one", "two"):
        command("compare", "before", "after", "-o", out)
        written.append([(tmp_path / out / name).read_bytes() for name in FILES if name != "comparison.html"])
    assert written[0] == written[1]


def test_what_another_machine_wrote_reaches_no_terminal_unescaped(command: Command, results: Path) -> None:
    labels = ("angry", "happy", "sad", "[red]\x1b[31m")
    for name in ("here", "there"):
        frames = [made_frame(place, place / 10, {1: sure_of("sad", labels=labels)}) for place in range(300)]
        warnings = ["\x1b]0;title\x07 [bold]words"]
        write_result(results / name, frames, name=f"{name}\x1b[2J", labels=labels, warnings=warnings)
    done = command("compare", "here", "there", "-o", "a\x1b[2J")
    assert done.returncode == 0, done.stderr
    assert not {"\x1b", "\x07"} & set(done.stdout)
    assert "Note: A: \\x1b]0;title\\x07 [bold]words" in done.stdout
    assert "[red]\\x1b[31m" in done.stdout


@pytest.mark.usefixtures("results")
def test_a_short_clip_has_differences_without_intervals(command: Command, tmp_path: Path) -> None:
    done = command("compare", "before", "short")
    assert "Too short to tell" in done.stdout
    rows = read_rows(tmp_path / "comparison" / "comparison.csv")
    assert {row["low"] for row in rows} == {""}
    assert {row["finding"] for row in rows} == {"too short to tell"}
    assert rows[LABELS.index("happy")]["difference"] != ""


def test_photographs_are_compared_without_timelines(command: Command, tmp_path: Path) -> None:
    for name, label in (("party", "happy"), ("office", "neutral")):
        frames = [made_frame(place, 0.0, {None: sure_of(label)}) for place in range(12)]
        write_result(tmp_path / "out" / name, frames, name=name, kind="photographs")
    done = command("compare", "party", "office")
    assert "A  party: 12 faces" in done.stdout
    assert 'id="figure-a"' not in (tmp_path / "comparison" / "comparison.html").read_text()


def test_files_of_the_user_stay_beside(command: Command, results: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert command("compare", "before", "after", "-o", ".").returncode == 0
    assert command("compare", results / "after", results / "before", "-o", ".").returncode == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert "A</b> after &lt;b&gt;.mp4" in (tmp_path / "comparison.html").read_text()
    assert not list(tmp_path.glob(".fer-*"))


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_a_file_of_the_user_is_not_replaced(command: Command, tmp_path: Path, name: str, kind: str) -> None:
    place, mine = tmp_path / "comparison" / name, tmp_path / "mine"
    mine.write_text("quantity,price\nmilk,2\n")
    place.parent.mkdir()
    if kind == "file":
        mine.rename(place)
    elif kind == "link":
        place.symlink_to(mine)
    else:
        place.mkdir()
    assert_refused(
        command("compare", "before", "after"), f"comparison/{name} is a file that fer-client compare did not"
    )
    assert list(place.parent.iterdir()) == [place]
    assert kind == "folder" or place.read_text() == "quantity,price\nmilk,2\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["before", "gone"], "gone is neither"),
        (["before", "before"], "two results, or two faces of one"),
        (["before:7", "after"], "none of number 7"),
        (["before", "other"], "of one network"),
        (["before", "after", "--offset", "nan"], "--offset must be"),
        (["before"], "See `fer-client compare --help`"),
    ],
)
def test_what_cannot_be_compared_gets_a_sentence(
    command: Command, results: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    talk(results / "other", 0.5, "other.mp4", models={"answers": [[1.0, 0, 0, 0]]})
    done = command("compare", *arguments)
    assert_refused(done, words)
    assert not (tmp_path / "comparison").exists()


@pytest.mark.usefixtures("results")
def test_a_folder_that_cannot_be_written_gets_a_sentence(command: Command, tmp_path: Path) -> None:
    (tmp_path / "comparison").write_text("a file")
    assert_refused(command("compare", "before", "after"), "cannot be written to comparison")


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize("package", ["matplotlib", "bokeh", "jinja2"])
def test_a_missing_package_gets_a_sentence(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    import importlib.util

    real = importlib.util.find_spec

    def find_spec(name: str) -> object:
        return None if name == package else real(name)

    for module in ("fer_client.comparison.files", "fer_client.visuals.pages.bokeh_figures"):
        monkeypatch.setattr(f"{module}.find_spec", find_spec)
    done = command("compare", "before", "after")
    assert_refused(done, "pip install bokeh jinja2")
    assert "fer-triton" not in done.stderr
    assert not (tmp_path / "comparison").exists()


def test_the_help_names_it(command: Command) -> None:
    assert "compare A B" in command("--help").stdout
    assert "--offset" in command("compare", "--help").stdout

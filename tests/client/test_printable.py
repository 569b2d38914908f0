import csv
from pathlib import Path

import pytest

from fer_client.printable import counted, printable
from support.command import Command
from support.results import stored_rows


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Gespräch 日本.mp4", "Gespräch 日本.mp4"),
        ("a\rb.mp4", r"a\rb.mp4"),
        ("\x1b[31mred.mp4", r"\x1b[31mred.mp4"),
        ("\udcff.mp4", r"\xff.mp4"),
        ("a\u2028b", r"a\u2028b"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("a\u00a0b", "a\u00a0b"),
    ],
)
def test_only_what_is_no_character_is_escaped(name: str, shown: str) -> None:
    assert printable(name) == shown


@pytest.mark.parametrize("name", ["a\rb.mp4", "\x1b]0;title\x07.mp4", "\udcff.mp4"])
def test_odd_names_reach_neither_table_nor_terminal(
    run: Command, face_video: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(face_video.read_bytes())
    done = run(tmp_path / name)
    assert done.returncode == 0
    (table,) = tmp_path.glob("out/*/faces.csv")
    with table.open(newline="", encoding="utf-8") as file:
        assert len({len(row) for row in csv.reader(file)}) == 1
    assert {row["source"] for row in stored_rows(table)} == {printable(name)}
    assert not set(done.stdout + done.stderr) & {"\r", "\x1b", "\x07", "\udcff"}


def test_one_is_singular() -> None:
    assert [counted(count, "face") for count in (0, 1, 2)] == ["0 faces", "1 face", "2 faces"]

"""Generated parts of a page stand between their marks."""

from pathlib import Path

import pytest

from fer_client.errors import InputError
from fer_training.reports.documents import BEGIN, END, number, write_part


def test_a_part_goes_between_its_marks_and_leaves_the_rest(tmp_path: Path) -> None:
    document, begin = tmp_path / "page.md", BEGIN.format(command="table")
    document.write_text(f"before\n{begin}\nold\n{END}\nafter\n")
    write_part(document, "table", "new")
    once = document.read_text()
    assert once == f"before\n{begin}\n\nnew\n\n{END}\nafter\n"
    write_part(document, "table", "new")
    assert document.read_text() == once


def test_a_document_without_marks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(f"{BEGIN.format(command='card')}\n{END}\n")
    with pytest.raises(InputError, match="Put them where the figures belong"):
        write_part(tmp_path / "page.md", "table", "new")


def test_what_rounds_to_zero_has_no_sign() -> None:
    assert [number(value) for value in (-0.001, -0.01, None)] == ["0.00", "-0.01", "–"]

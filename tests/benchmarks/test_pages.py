"""The figures in the docs are those of the committed results."""

import json
import shutil
from pathlib import Path

import pytest

from benchmarks import pages

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("part", pages.PARTS, ids=lambda part: part[2])
def test_the_pages_hold_the_committed_figures(part: tuple) -> None:
    page, source, _, text = part
    figures = json.loads((ROOT / "benchmarks" / "results" / source).read_text())
    assert text(figures) in (ROOT / "docs" / page).read_text()


def test_writing_the_pages_again_changes_nothing(tmp_path: Path) -> None:
    names = sorted({part[0] for part in pages.PARTS})
    for name in names:
        shutil.copy(ROOT / "docs" / name, tmp_path)
    pages.write(ROOT / "benchmarks" / "results", tmp_path)
    assert all((tmp_path / name).read_text() == (ROOT / "docs" / name).read_text() for name in names)

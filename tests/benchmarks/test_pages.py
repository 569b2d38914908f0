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
    docs = tmp_path / "docs"
    docs.mkdir()
    names = sorted({part[0] for part in pages.PARTS})
    for name in names:
        shutil.copy(ROOT / "docs" / name, docs / name)
    pages.write(ROOT / "benchmarks" / "results", docs)
    assert all((docs / name).read_text() == (ROOT / "docs" / name).read_text() for name in names)


@pytest.mark.parametrize(("undisturbed_s", "ours"), [(3.9, "5.0 | 20 |"), (2.5, "3.0 | 33 |")])
def test_beside_other_load_our_seconds_are_those_that_it_left(undisturbed_s: float, ours: str) -> None:
    figures = {"processing_s": 4.0, "undisturbed_s": undisturbed_s}
    figures |= {"processor_s": 3.0, "predictions_processor_s": 1.0}
    original = {"megabytes": 2.8, "length_s": 2.6, "processing_s": 100.0}
    machine = {"cores": 2, "processor": "some"}
    record = {
        "start_s": 1.0,
        "start_undisturbed_s": 0.5,
        "command": {"runs": 3},
        "conditions": {"machine": machine, "load_average": 5.0, "time": "2026-01-01", "commit": "abc"},
        "videos": [{"video": {"format": ".mov"}, "figures": figures, "original": original}],
    }
    text = pages.latency(record)
    assert f"| .mov, 2.8 MB: 2.6 s | 100.0 | {ours} 1.0 | 2.0 |" in text
    assert ("an estimate" in text) == (undisturbed_s < 3)

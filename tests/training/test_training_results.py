"""Results as files, history as a table, files that appear only when whole."""

import json
from pathlib import Path
from typing import Any

import pytest

from fer_client.errors import InputError
from fer_training.files import replacing
from fer_training.history import Epoch, best_epoch, draw_curves, read_history, write_history
from fer_training.progress import Pace, epoch_line
from fer_training.results import BEGIN, END, read_results, result_of, table, write_table


def _record(accuracy: float, private: float | None = None) -> dict[str, Any]:
    metrics: dict[str, Any] = {"PublicTest": {"accuracy": accuracy, "confusion": [[1]], "ece": 0.02}}
    if private is not None:
        metrics["PrivateTest"] = {"accuracy": private, "four_category_accuracy": 0.8, "ece": 0.015}
    return {
        "architecture": "resnet", "data": {"name": "fer2013", "sha256": "x", "counts": {}},
        "recipe": {"name": "strong"}, "seed": 0, "epochs": 9, "versions": {}, "metrics": metrics,
        "temperature": 1.2, "labels": [],
    }  # fmt: skip


EXTRA = {"parameters": 1_617_000, "multiply_adds": 38_000_000, "training_s": 5400}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "worse.json").write_text(json.dumps(result_of(_record(0.61), EXTRA)))
    (folder / "better.json").write_text(
        json.dumps(result_of(_record(0.70, 0.712), EXTRA | {"latency_ms": 1.26}))
    )
    return folder


def test_results_keep_the_figures_and_leave_the_bulk() -> None:
    kept = result_of(_record(0.7), EXTRA)
    assert kept["metrics"] == {"PublicTest": {"accuracy": 0.7, "ece": 0.02}}
    assert "counts" not in kept["data"]


def test_table_is_sorted_by_publictest_and_shows_what_was_not_measured(results: Path) -> None:
    lines = table(read_results(results)).splitlines()
    assert len(lines) == 4
    assert lines[2].startswith(
        "| better | strong | 9 | 1617 k | 38.0 M | 1.3 | 70.0 % | 71.2 % | 80.0 % | 1.5 % | 90 min |"
    )
    assert "| – | 61.0 % | – | – | – |" in lines[3]


def test_table_goes_between_the_marks_and_leaves_the_rest(results: Path, tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_table(document, read_results(results))
    once = document.read_text()
    assert once.startswith(f"before\n{BEGIN}\n")
    assert once.endswith(f"{END}\nafter\n")
    assert "old" not in once
    write_table(document, read_results(results))
    assert document.read_text() == once


def test_a_document_without_marks_is_refused(results: Path, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("no marks")
    with pytest.raises(InputError, match="Put them where the table belongs"):
        write_table(tmp_path / "page.md", read_results(results))


def test_a_damaged_result_is_named(results: Path) -> None:
    (results / "cut.json").write_text('{"metrics": {}}')
    with pytest.raises(InputError, match=r"cut\.json"):
        read_results(results)


EPOCHS = [
    Epoch(1, 1e-3, 1.5, 1.4, 0.5, 60.25),
    Epoch(2, 5e-4, 1.2, 1.3, 0.6, 61.0),
    Epoch(3, 1e-7, 1.1, 1.3, 0.6, 61.0),
]


def test_history_reads_back_as_written(tmp_path: Path) -> None:
    write_history(tmp_path / "history.csv", EPOCHS)
    assert read_history(tmp_path / "history.csv") == EPOCHS
    assert read_history(tmp_path / "missing.csv") == []


def test_best_epoch_is_the_first_of_equals() -> None:
    assert best_epoch(EPOCHS) == EPOCHS[1]
    assert best_epoch([]) is None


def test_time_left_counts_the_steps_of_this_process_alone() -> None:
    pace = Pace()
    assert pace.left_s(done=500, total=1000, now_s=100.0) == 0
    assert pace.left_s(done=600, total=1000, now_s=150.0) == 200


def test_an_epoch_in_words() -> None:
    assert epoch_line(EPOCHS[0], 90, 3725) == (
        "epoch 1/90  loss 1.5000  PublicTest loss 1.4000  accuracy 50.00 %  60 s  62:05 left"
    )


def test_curves_are_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra `training`")
    draw_curves(tmp_path / "curves.png", EPOCHS)
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"


def test_a_file_that_fails_half_way_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as beside:
            beside.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]

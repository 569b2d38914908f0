"""What each epoch brought: as a table, as a picture, and which was the best."""

import dataclasses
from pathlib import Path

import pytest

from fer_training.fitting.history import best_epoch, draw_curves, read_history, write_history
from support.training_results import EPOCHS


def test_history_reads_back_as_written(tmp_path: Path) -> None:
    write_history(tmp_path / "history.csv", EPOCHS)
    assert read_history(tmp_path / "history.csv") == EPOCHS
    assert read_history(tmp_path / "missing.csv") == []


def test_history_keeps_the_accuracy_by_the_voters_and_reads_files_without_it(tmp_path: Path) -> None:
    voted = [dataclasses.replace(EPOCHS[0], validation_majority_accuracy=0.75), EPOCHS[1]]
    path = tmp_path / "history.csv"
    write_history(path, voted)
    assert read_history(path) == voted
    path.write_text("\n".join(line.rpartition(",")[0] for line in path.read_text().splitlines()) + "\n")
    assert path.read_text().splitlines()[0].endswith(",seconds")  # as older versions wrote it
    assert read_history(path) == EPOCHS[:2]


def test_best_epoch_by_the_voters_is_one_that_they_judged() -> None:
    majorities = (None, 0.7, 0.65)
    epochs = [
        dataclasses.replace(epoch, validation_accuracy=1 - share, validation_majority_accuracy=majority)
        for epoch, share, majority in zip(EPOCHS, (0.1, 0.3, 0.2), majorities, strict=True)
    ]
    assert best_epoch(epochs) == epochs[0]
    assert best_epoch(epochs, "validation_majority_accuracy") == epochs[1]
    assert best_epoch(epochs[:1], "validation_majority_accuracy") is None


def test_best_epoch_is_the_first_of_equals() -> None:
    assert best_epoch(EPOCHS) == EPOCHS[1]
    assert best_epoch([]) is None


def test_curves_are_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra `training`")
    draw_curves(tmp_path / "curves.png", EPOCHS)
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"

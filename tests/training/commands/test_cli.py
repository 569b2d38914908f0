"""The command as a user types it: what it prints, its exit codes, and one sentence for every mistake."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.contract import LABELS
from fer_training.commands.cli import main
from fer_training.data.readers import READERS
from fer_training.recipes import RECIPES
from support.training_data import KAGGLE, Rows, write_fer2013

BEHIND = [
    "run", "head", "--data", "d", "--out", "o", "--trunk", "t", "--target", "valence_arousal",
]  # fmt: skip


class Outcome:
    """What one call of the command gave back."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def fer_train(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Call the command in this process."""

    def call(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["fer-train", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
            sys.exit(0)
        captured = capsys.readouterr()
        code = left.value.code
        return Outcome(code if isinstance(code, int) else 0, captured.out, captured.err)

    return call


def test_the_command_starts_without_keras() -> None:
    heavy = ("keras", "tensorflow", "matplotlib")
    code = f"import sys, fer_training.commands.cli; sys.exit(not sys.modules.keys().isdisjoint({heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_help_names_every_dataset_and_recipe(fer_train: Any) -> None:
    assert all(name in fer_train("prepare", "--help").out for name in READERS)
    assert all(name in fer_train("run", "--help").out for name in RECIPES)


def test_prepare_reports_counts_and_faults(fer_train: Any, tmp_path: Path, rows: Rows) -> None:
    flat = (2, np.zeros((48, 48), np.uint8), "Training")
    write_fer2013(tmp_path, KAGGLE, [*rows, flat], votes=True)
    outcome = fer_train("prepare", "fer2013", tmp_path, tmp_path / "out")
    assert outcome.code == 0
    counted = json.loads((tmp_path / "out/dataset.json").read_text())["counts"]
    assert counted["Training"]["fear"] == 3
    assert "images of one constant value: 1 (row 43)" in outcome.out
    assert "PublicTest images that also stand in Training: 0" in outcome.out
    assert "PrivateTest images that also stand in PublicTest: 0" in outcome.out


def test_prepare_can_leave_out_a_class(fer_train: Any, tmp_path: Path, rows: Rows) -> None:
    write_fer2013(tmp_path, KAGGLE, rows, votes=True)
    assert fer_train("prepare", "fer2013plus", tmp_path, tmp_path / "out", "--without", "contempt").code == 0
    assert json.loads((tmp_path / "out/dataset.json").read_text())["labels"] == list(LABELS)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["prepare", "fer2012", ".", "out"], 2, "affectnet, ckplus, oulu_casia, folders; got fer2012"),
        (["prepare", "fer2013", "missing", "out"], 3, "Expected fer2013.csv or a folder with it"),
        (["prepare", "rafdb", "missing", "out"], 3, "Expected list_patition_label.txt in missing"),
        (["prepare", "affectnet", "missing", "out"], 3, "in missing; found neither"),
        (["prepare", "folders", "missing", "out"], 3, "Expected train/ with one folder for each class in missing"),
        (["run", "basic_cnn", "--data", "missing", "--out", "o", "--recipe", "x"], 2, "as recipe one out of smoke"),
        (["run", "basic_cnn", "--data", "missing", "--out", "o"], 3, "a folder that `fer-train prepare` wrote"),
        (["evaluate", "x.keras", "--data", "missing", "--split", "Training"], 2, "out of PublicTest, PrivateTest"),
        (["run", "a", "--data", "d", "--out", "o", "--target", "x"], 2, "as target one out of expression, valence_ar"),
        (["run", "head", "--data", "d", "--out", "o", "--trunk", "t"], 2, "Expected --target valence_arousal with --"),
        ([*BEHIND, "--recipe", "quick"], 2, "Expected no --recipe with --trunk"),
        (["evaluate", "x.keras", "--data", "missing"], 3, "but missing cannot be read as one"),
        (["references", "x.keras", "--data", "missing", "--split", "test"], 2, "as split one out of Training, Pub"),
        (["references", "x.keras", "--data", "missing"], 3, "but missing cannot be read as one"),
        (["run", "vgg", "--data", "d", "--out", "o", "--seed", "5000000000"], 2, "than or equal to 4294967295"),
        (["table", "missing", "page.md"], 3, "Expected results files NAME.json in missing, but found none."),
    ],
)  # fmt: skip
def test_a_mistake_gets_one_sentence_and_its_exit_code(
    fer_train: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = fer_train(*arguments)
    assert outcome.code == code
    assert sentence in outcome.err
    assert outcome.err.startswith("fer-train: ")
    assert outcome.err.count("\n") == 1
    assert outcome.out == ""
    assert not list(tmp_path.iterdir())


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_an_interrupted_preparation_promises_nothing(fer_train: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(READERS, "fer2013", _interrupted)  # type: ignore[arg-type]
    outcome = fer_train("prepare", "fer2013", ".", "out")
    assert outcome.code == 130
    assert outcome.err == "fer-train: Interrupted.\n"


@pytest.mark.keras
def test_an_interrupted_run_says_how_to_go_on(
    fer_train: Any, monkeypatch: pytest.MonkeyPatch, make_dataset: Any, tmp_path: Path
) -> None:
    pytest.importorskip("keras", reason="needs the extra `training`")
    monkeypatch.setattr("fer_training.fitting.train.train", _interrupted)
    outcome = fer_train("run", "basic_cnn", "--data", make_dataset(4)[0], "--out", tmp_path / "run")
    assert outcome.code == 130
    assert outcome.err == "fer-train: Stopped. The same command goes on from the last whole epoch.\n"


def test_no_backend_is_said_in_one_sentence(fer_train: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", {}.get)
    outcome = fer_train("architectures")
    assert outcome.code == 2
    assert "make install" in outcome.err


def test_a_missing_page_is_named(fer_train: Any) -> None:
    results = Path(__file__).parents[3] / "training" / "results"
    outcome = fer_train("table", results, "missing.md")
    assert outcome.code == 3
    assert outcome.err == "fer-train: Could not read or write missing.md: No such file or directory.\n"


@pytest.mark.parametrize("asked", ["jax", "foo"])
def test_a_backend_that_cannot_serve_is_said_in_one_sentence(
    fer_train: Any, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", asked)
    monkeypatch.setattr("importlib.util.find_spec", {"keras": "", "tensorflow": "", "foo": ""}.get)
    outcome = fer_train("architectures")
    assert outcome.code == 2
    assert f"that is installed, got {asked}." in outcome.err


@pytest.mark.parametrize("words", [[], ["prepare"], ["predict"]])
def test_short_help(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["fer-train", *words, "-h"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert "Usage: fer-train" in capsys.readouterr().out

"""A run goes on only with the settings that it began with."""

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fer_client.errors import InputError, UsageError
from fer_training.data.dataset import Dataset
from fer_training.fitting.history import read_history
from fer_training.recipes import Augmentation
from support.training_run import RECIPE, train_small

pytest.importorskip("keras", reason="needs the extra `training`")
pytestmark = [
    pytest.mark.keras,
    # Keras's TensorFlow backend meets NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def test_a_folder_of_another_run_is_refused_and_what_differs_is_named(finished: Path, data: Any) -> None:
    other = dataclasses.replace(RECIPE, learning_rate=1e-3, augmentation=Augmentation(erase=0.2))
    named = (
        r"recipe\.augmentation\.erase, .*recipe\.learning_rate\. Give the same settings .* or another --out"
    )
    with pytest.raises(UsageError, match=named):
        train_small(data[1], finished, other)


def _with_fingerprint(dataset: Dataset, fingerprint: str | None) -> Dataset:
    return dataclasses.replace(dataset, description={**dataset.description, "arrays_sha256": fingerprint})


def test_a_run_does_not_go_on_with_other_labels(finished: Path, data: Any, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "run")
    _settings(tmp_path / "run", data_with_labels="a")
    with pytest.raises(UsageError, match=r"came for data_with_labels\."):
        train_small(_with_fingerprint(data[1], "b"), tmp_path / "run")
    train_small(_with_fingerprint(data[1], "a"), tmp_path / "run")


def test_a_run_of_an_older_version_goes_on_and_the_user_hears_what_is_not_known(
    finished: Path, data: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(finished, tmp_path / "run")
    _settings(tmp_path / "run")
    train_small(_with_fingerprint(data[1], "a"), tmp_path / "run")
    assert "of an older version" in capsys.readouterr().err


def _settings(folder: Path, **changes: str) -> None:
    """Write a run's settings as an older version would, with `changes`."""
    settings = json.loads((folder / "run.json").read_text())
    settings.pop("data_with_labels")
    (folder / "run.json").write_text(json.dumps(settings | changes))


@pytest.mark.parametrize(
    ("name", "share", "sentence"),
    [
        ("run.json", 0, "Expected the settings of a run in"),
        ("run.json", 0.5, "Expected the settings of a run in"),
        ("checkpoint.keras", 0, "Expected a Keras file at"),
        ("checkpoint.keras", 0.5, "Expected a Keras file at"),
    ],
)
def test_damaged_files_of_a_run_are_named(
    finished: Path, data: Any, tmp_path: Path, name: str, share: float, sentence: str
) -> None:
    path = shutil.copytree(finished, tmp_path / "run") / name
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match=f"{sentence} .*{name}"):
        train_small(data[1], tmp_path / "run")


def test_a_run_of_an_older_version_goes_on_with_its_history_and_recipe(data: Any, tmp_path: Path) -> None:
    """Its history has no accuracy by the voters, its settings know nothing of small pictures."""
    half = train_small(data[1], tmp_path / "run", dataclasses.replace(RECIPE, epochs=1))
    lines = (half / "history.csv").read_text().splitlines()
    (half / "history.csv").write_text("".join(line.rpartition(",")[0] + "\n" for line in lines))
    settings = json.loads((half / "run.json").read_text())
    settings["recipe"]["epochs"] = RECIPE.epochs
    del settings["recipe"]["small_side"], settings["recipe"]["small_share"]
    del settings["recipe"]["augmentation"]["degrade"]
    (half / "run.json").write_text(json.dumps(settings))
    train_small(data[1], half)
    voted = [epoch.validation_majority_accuracy for epoch in read_history(half / "history.csv")]
    assert voted[0] is None
    assert all(share is not None for share in voted[1:])


def test_the_start_may_go_while_the_run_goes_on(finished: Path, data: Any, tmp_path: Path) -> None:
    start = tmp_path / "network.keras"
    for suffix in (".keras", ".json"):
        start.with_suffix(suffix).write_bytes((finished / "network.keras").with_suffix(suffix).read_bytes())

    def let_go(_progress: object) -> None:
        start.unlink(missing_ok=True)

    recipe = dataclasses.replace(RECIPE, epochs=1)
    out = train_small(data[1], tmp_path / "run", recipe, start=start, on_progress=let_go)
    begun = json.loads((out / "network.json").read_text())["start"]
    assert begun == hashlib.sha256((finished / "network.keras").read_bytes()).hexdigest()

"""Valence and arousal behind a network that stays as it is, and from pictures; all are judged and kept alike."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.errors import InputError, UsageError
from fer_training.recipes import VALENCE_AROUSAL, HeadRecipe
from support.training_run import RECIPE, copy_network, train_small

pytest.importorskip("keras", reason="needs the extra `training`")
pytestmark = [
    pytest.mark.keras,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
SMALL = HeadRecipe(epochs=3, batch_size=32, copies=1, hidden=8, ema=0.5)


def made(kind: str, trunk: Path, dataset: Any, out: Path, recipe: HeadRecipe = SMALL) -> Path:
    from fer_training.fitting.affect_head import HeadRun, train_head

    return train_head(HeadRun(kind, trunk, recipe, 0, out), dataset)


def measured(
    weights: Path, dataset: Any, trunk: Path | None, split: str = "PublicTest", **others: Any
) -> Any:
    from fer_training.evaluation.affect import evaluate_affect
    from fer_training.models.affect import load_trunk

    return evaluate_affect(weights, dataset, split, None if trunk is None else load_trunk(trunk), **others)


def record_of(weights: Path) -> Any:
    return json.loads(weights.with_suffix(".json").read_text())


def test_the_product_is_the_expected_coordinates(finished: Path, data: Any, tmp_path: Path) -> None:
    from fer_training.data.circumplex import coordinates
    from fer_training.models.record import load_network

    weights = made("product", finished / "network.keras", data[1], tmp_path / "run")

    shares = np.random.default_rng(0).dirichlet(np.ones(7), 5).astype(np.float32)
    expected = shares @ coordinates(data[1].label_names)
    np.testing.assert_allclose(load_network(weights).predict(shares, verbose=0), expected, atol=1e-6)
    assert record_of(weights)["reads"] == "probabilities"
    assert "weak supervision from votes" in record_of(weights)["statement"]


def test_a_head_begins_as_the_product_and_learns(finished: Path, data: Any, tmp_path: Path) -> None:
    trunk = finished / "network.keras"
    idle = made("head", trunk, data[1], tmp_path / "idle", dataclasses.replace(SMALL, learning_rate=0.0))
    found = measured(idle, data[1], trunk)
    for name in ("valence", "arousal"):
        assert found[name] == found["product"][name]
    assert found["beats_product"] is False

    learned = made("head", trunk, data[1], tmp_path / "head")
    assert measured(learned, data[1], trunk)["valence"] != found["valence"]
    plain = dataclasses.replace(SMALL, logits=False, from_product=False, epochs=30, learning_rate=1e-2)
    assert measured(made("head", trunk, data[1], tmp_path / "plain", plain), data[1], trunk)["ccc"] > 0.5


def test_figures_are_kept_and_pictures_drawn(finished: Path, data: Any, tmp_path: Path) -> None:
    trunk = copy_network(finished, tmp_path)
    weights = made("head", trunk, data[1], tmp_path / "run")
    with pytest.raises(InputError, match="Run the command with --split PublicTest first"):
        measured(weights, data[1], trunk, "PrivateTest")
    public = measured(weights, data[1], trunk, figures=tmp_path / "figures")
    assert record_of(weights)["metrics"] == {"PublicTest": public}
    assert (public["images"], public["targets_from"]) == (70, "votes")
    assert public["without_copies_of_training"]["images"] == 70
    drawn = {path.name for path in (tmp_path / "figures").iterdir()}
    assert drawn == {"network-PublicTest-scatter.png", "network-PublicTest-circumplex.png"}
    assert "product" in measured(weights, data[1], trunk, "PrivateTest")
    json.dumps(record_of(weights), allow_nan=False)


def test_another_trunk_is_refused(finished: Path, data: Any, tmp_path: Path) -> None:
    trunk = copy_network(finished, tmp_path)
    weights = made("product", trunk, data[1], tmp_path / "run")
    with pytest.raises(UsageError, match="Name it with --trunk"):
        measured(weights, data[1], None)
    record = record_of(weights)
    weights.with_suffix(".json").write_text(json.dumps(record | {"trunk": "0" * 64}))
    with pytest.raises(InputError, match=r"Expected the network that .* was made for"):
        measured(weights, data[1], trunk)
    with pytest.raises(UsageError, match="holds a network"):
        made("product", trunk, data[1], tmp_path / "run")


def test_such_a_file_is_no_network_of_expressions(finished: Path, data: Any, tmp_path: Path) -> None:
    from fer_training.models.record import load_record

    weights = made("product", finished / "network.keras", data[1], tmp_path / "run")
    with pytest.raises(InputError, match=r"tells expression, but .* tells valence_arousal"):
        load_record(weights)


def test_a_network_of_its_own_learns_from_pictures_and_goes_on(data: Any, tmp_path: Path) -> None:
    from fer_training.fitting.history import read_history

    recipe = dataclasses.replace(RECIPE, epochs=2)
    out = train_small(data[1], tmp_path / "run", recipe, target=VALENCE_AROUSAL)
    epochs = read_history(out / "history.csv")
    assert len(epochs) == 2
    assert all(-1 <= float(epoch.validation_ccc or 0) <= 1 for epoch in epochs)
    record = record_of(out / "network.keras")
    assert (record["target"], record["reads"]) == ("valence_arousal", "pictures")
    assert record["input"]["range"] == [-1, 1]
    assert measured(out / "network.keras", data[1], None)["ccc"] == pytest.approx(
        epochs[-1].validation_ccc, abs=2e-4
    )
    with pytest.raises(UsageError, match=r"other ones came for recipe\.epochs, target"):
        train_small(data[1], out)
    with pytest.raises(UsageError, match="without teachers"):
        distil = dataclasses.replace(recipe, distillation=0.5)
        train_small(data[1], tmp_path / "taught", distil, target=VALENCE_AROUSAL)


def test_a_network_of_expressions_can_be_its_beginning(finished: Path, data: Any, tmp_path: Path) -> None:
    start = finished / "network.keras"
    recipe = dataclasses.replace(RECIPE, epochs=1, votes_head=0.0)
    out = train_small(data[1], tmp_path / "run", recipe, target=VALENCE_AROUSAL, start=start)
    assert record_of(out / "network.keras")["start"]
    assert measured(out / "network.keras", data[1], start)["beats_product"] in (True, False)

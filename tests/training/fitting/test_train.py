"""Whole runs on drawn faces: learn, be killed, go on, and keep the best."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.errors import InputError, UsageError
from fer_training.fitting.history import read_history
from fer_training.fitting.schedule import learning_rates
from support.training_run import RECIPE, SMALL_FIRST, train_small

keras = pytest.importorskip("keras", reason="needs the extra `training`")
pytestmark = [
    pytest.mark.keras,
    # Keras's TensorFlow backend meets NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


class Killed(BaseException):
    """Stands for a signal that ends the process between two steps."""


def _kill_after(steps: int) -> Callable[[Any], None]:
    """Count the steps alone, not the whole epochs that are told too."""
    left = [steps]

    def kill(progress: Any) -> None:
        left[0] -= progress.finished is None
        if not left[0]:
            raise Killed

    return kill


def test_a_run_learns_and_leaves_network_record_history_and_picture(finished: Path, data: Any) -> None:
    history = read_history(finished / "history.csv")
    assert [epoch.epoch for epoch in history] == [1, 2, 3]
    assert history[-1].training_loss < history[0].training_loss
    assert history[-1].validation_accuracy > 0.5
    record = json.loads((finished / "network.json").read_text())
    assert record["architecture"] == "basic_cnn"
    assert record["labels"] == list(data[1].label_names)
    assert record["input"] == {"height": 48, "width": 48, "channels": 1, "range": [-1.0, 1.0]}
    assert record["epochs"] == 3
    assert record["data"]["sha256"] == data[1].description["sha256"]
    assert record["metrics"]["PublicTest"]["accuracy"] == history[-1].validation_accuracy
    assert (finished / "curves.png").read_bytes()[:4] == b"\x89PNG"


def test_the_saved_network_has_one_float32_output_and_no_optimizer(finished: Path) -> None:
    network = keras.saving.load_model(finished / "network.keras")
    assert [output.shape for output in network.outputs] == [(None, 7)]
    assert getattr(network, "optimizer", None) is None
    assert {layer.dtype_policy.name for layer in network.layers} == {"float32"}


def test_a_killed_run_goes_on_to_the_same_end(finished: Path, data: Any, tmp_path: Path) -> None:
    """Killed in the middle of the second epoch, and again just after its last step."""
    for steps in (20, 14):
        with pytest.raises(Killed):
            train_small(data[1], tmp_path / "run", on_progress=_kill_after(steps))
        assert [epoch.epoch for epoch in read_history(tmp_path / "run/history.csv")] == [1]
    train_small(data[1], tmp_path / "run")
    whole, resumed = (read_history(folder / "history.csv") for folder in (finished, tmp_path / "run"))
    assert [epoch.learning_rate for epoch in resumed] == [epoch.learning_rate for epoch in whole]
    assert [epoch.training_loss for epoch in resumed] == pytest.approx(
        [epoch.training_loss for epoch in whole], rel=1e-4
    )
    for one, other in zip(_weights(finished), _weights(tmp_path / "run"), strict=True):
        np.testing.assert_allclose(other, one, atol=1e-4)


def _weights(folder: Path) -> Any:
    return keras.saving.load_model(folder / "network.keras").get_weights()


def test_a_finished_run_is_left_as_it_is(finished: Path, data: Any) -> None:
    before = (finished / "network.keras").read_bytes()
    train_small(data[1], finished)
    assert (finished / "network.keras").read_bytes() == before


def test_the_last_learning_rate_is_the_schedules(finished: Path) -> None:
    rates = learning_rates(RECIPE, 224 // 16)
    assert [epoch.learning_rate for epoch in read_history(finished / "history.csv")] == rates[13::14].tolist()


def test_patience_ends_a_run_and_the_best_weights_are_kept(data: Any, tmp_path: Path) -> None:
    recipe = dataclasses.replace(
        RECIPE, epochs=6, patience=1, keep="best", learning_rate=0.0, votes_head=0.0, ema=0.0, optimizer="sgd",
        mixed_precision=True,
    )  # fmt: skip
    out = train_small(data[1], tmp_path / "run", recipe)
    assert len(read_history(out / "history.csv")) < 6
    best = max(epoch.validation_accuracy for epoch in read_history(out / "history.csv"))
    assert json.loads((out / "network.json").read_text())["metrics"]["PublicTest"]["accuracy"] == best


@pytest.mark.parametrize(("votes_share", "figure"), [(1.0, "majority"), (0.5, "label")])
def test_the_best_weights_are_best_by_what_the_network_learns(
    data: Any, tmp_path: Path, votes_share: float, figure: str
) -> None:
    """PublicTest's labels are turned away from what people see, so the two accuracies name different epochs."""
    labels = data[1].labels.copy()
    public = data[1].rows("PublicTest")
    labels[public] = (labels[public] + 1) % 7
    recipe = dataclasses.replace(RECIPE, epochs=4, keep="best", votes_share=votes_share)
    out = train_small(dataclasses.replace(data[1], labels=labels), tmp_path / "run", recipe)
    epochs = read_history(out / "history.csv")
    by = {
        "majority": max(epochs, key=lambda epoch: epoch.validation_majority_accuracy or 0),
        "label": max(epochs, key=lambda epoch: epoch.validation_accuracy),
    }
    assert by["majority"].epoch != by["label"].epoch
    record = json.loads((out / "network.json").read_text())
    assert record["epochs"] == by[figure].epoch
    majority = record["metrics"]["PublicTest"]["voters"]["majority_accuracy"]
    assert majority == by[figure].validation_majority_accuracy


def test_a_run_of_small_pictures_goes_on_to_the_same_end_and_leaves_a_network_of_48_pixels(
    data: Any, tmp_path: Path
) -> None:
    """Killed in the second epoch, of small pictures; the third is of large ones."""
    whole = train_small(data[1], tmp_path / "whole", SMALL_FIRST)
    with pytest.raises(Killed):
        train_small(data[1], tmp_path / "run", SMALL_FIRST, on_progress=_kill_after(19))
    resumed = train_small(data[1], tmp_path / "run", SMALL_FIRST)
    losses = [
        [epoch.training_loss for epoch in read_history(run / "history.csv")] for run in (whole, resumed)
    ]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    for one, other in zip(_weights(whole), _weights(resumed), strict=True):
        np.testing.assert_allclose(other, one, atol=1e-4)
    network = keras.saving.load_model(whole / "network.keras")
    assert network.input.shape == (None, 48, 48, 1)
    assert read_history(whole / "history.csv")[-1].validation_majority_accuracy > 0.3  # type: ignore[operator]


def test_a_loss_that_is_no_number_ends_the_run(data: Any, tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, optimizer="sgd", learning_rate=1e30, votes_head=0.0, ema=0.0)
    with pytest.raises(UsageError, match="Lower the recipe's learning rate"):
        train_small(data[1], tmp_path / "run", recipe)
    assert not (tmp_path / "run/network.keras").exists()


def test_data_without_images_to_choose_by_are_refused(data: Any, tmp_path: Path) -> None:
    training_only = dataclasses.replace(data[1], split=np.zeros_like(data[1].split))
    with pytest.raises(InputError, match="images in the split PublicTest, but the data has none"):
        train_small(training_only, tmp_path / "run")
    assert not (tmp_path / "run").exists()

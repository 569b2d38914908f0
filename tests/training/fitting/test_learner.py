"""A network begins with the trained weights of another, and shrinks with small pictures."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.errors import InputError, UsageError
from fer_training.fitting.history import read_history
from support.training_run import RECIPE, SMALL_FIRST, train_small

keras = pytest.importorskip("keras", reason="needs the extra `training`")
pytestmark = [
    pytest.mark.keras,
    # Keras's TensorFlow backend meets NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def test_small_pictures_start_from_a_network_of_48_pixels(finished: Path, data: Any, tmp_path: Path) -> None:
    still = dataclasses.replace(SMALL_FIRST, epochs=1, learning_rate=1e-9, ema=0.0)
    out = train_small(data[1], tmp_path / "run", still, start=finished / "network.keras")
    for kept, started in zip(_trainable(out), _trainable(finished), strict=True):
        np.testing.assert_allclose(kept, started, atol=1e-5)


def _trainable(folder: Path) -> Any:
    network = keras.saving.load_model(folder / "network.keras")
    return [variable.numpy() for variable in network.trainable_variables]


def test_a_network_with_fixed_places_refuses_small_pictures(data: Any, tmp_path: Path) -> None:
    from fer_training.fitting.run import Run
    from fer_training.fitting.train import train

    with pytest.raises(
        UsageError, match=r"vgg does not\. Choose another architecture, or a recipe with small_side 0"
    ):
        train(Run("vgg", SMALL_FIRST, seed=0, out=tmp_path / "run"), data[1])
    assert not list(tmp_path.iterdir())


def test_a_run_starts_from_trained_weights(finished: Path, data: Any, tmp_path: Path) -> None:
    """Without a learning rate worth the name, the network stays what it began with."""
    still = dataclasses.replace(RECIPE, epochs=1, learning_rate=1e-9, ema=0.0, votes_head=0.0)
    out = train_small(data[1], tmp_path / "run", still, start=finished / "network.keras")
    assert read_history(out / "history.csv")[-1].validation_accuracy > 0.7
    record = json.loads((out / "network.json").read_text())
    assert record["start"] == json.loads((out / "run.json").read_text())["start"]


def test_other_classes_get_a_new_last_layer_over_the_trained_ones(finished: Path) -> None:
    from fer_training.fitting.learner import new_learner, start_from
    from fer_training.models.record import load_network

    model = new_learner("basic_cnn", 3, RECIPE, votes_head=False)
    start_from(model, "basic_cnn", finished / "network.keras", ["happy", "sad", "neutral"])
    trained = load_network(finished / "network.keras")
    assert len(model.layers) == len(trained.layers)
    for layer, source in zip(model.layers[:-1], trained.layers[:-1], strict=True):
        for value, expected in zip(layer.get_weights(), source.get_weights(), strict=True):
            np.testing.assert_array_equal(value, expected)
    assert model.get_layer("logits").get_weights()[0].shape[1] == 3


def test_weights_of_another_architecture_are_refused_as_a_start(
    finished: Path, data: Any, tmp_path: Path
) -> None:
    from fer_training.fitting.run import Run
    from fer_training.fitting.train import train

    run = Run("mini_xception", RECIPE, seed=0, out=tmp_path / "run", start=finished / "network.keras")
    with pytest.raises(InputError, match="of the architecture mini_xception to start from"):
        train(run, data[1])
    assert not list(tmp_path.iterdir())

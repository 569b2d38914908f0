import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fer_client.contract import LABELS

Record = Callable[..., None]


def _needed(module: str) -> Any:
    return pytest.importorskip(module, reason="needs the extra `export`")


@pytest.fixture(scope="session")
def keras() -> Any:
    return _needed("keras")


@pytest.fixture(scope="session")
def tf() -> Any:
    return _needed("tensorflow")


@pytest.fixture(scope="session")
def onnx() -> Any:
    return _needed("onnx")


@pytest.fixture(scope="session")
def ort() -> Any:
    return _needed("onnxruntime")


@pytest.fixture(scope="session")
def small_network(keras: Any) -> Any:
    """Conv, batch normalisation with statistics of its own, pooling, a residual sum and logits; 48x48 luma."""
    keras.utils.set_random_seed(5)
    layers, spread = keras.layers, keras.initializers.RandomUniform(0.5, 1.5)
    taken = keras.Input((48, 48, 1))
    x = layers.Conv2D(8, 3, padding="same", use_bias=False)(taken)
    x = layers.ReLU()(layers.BatchNormalization(moving_variance_initializer=spread)(x))
    side = layers.Conv2D(16, 1, strides=2, padding="same")(x)
    x = layers.SeparableConv2D(16, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(beta_initializer="random_normal", moving_mean_initializer="random_normal")(
        x
    )
    x = layers.Add()([layers.MaxPooling2D(3, 2, padding="same")(layers.Dropout(0.5)(x)), side])
    # So large that the answers follow the picture, as those of a trained network do.
    kernel = keras.initializers.RandomNormal(stddev=2)
    given = layers.Dense(len(LABELS), kernel_initializer=kernel, name="logits")(
        layers.GlobalAveragePooling2D()(x)
    )
    return keras.Model(taken, given)


@pytest.fixture
def write_record() -> Record:
    """Write a training record beside a file of weights, with changes to its entries."""

    def write(weights: Path, **changes: Any) -> None:
        record = {
            "architecture": "small",
            "labels": list(LABELS),
            "input": {"height": 48, "width": 48, "channels": 1, "range": [-1, 1]},
            "temperature": 0.5,
            "data": {"name": "none", "rows": 0},
            "recipe": {"epochs": 0},
            "seed": 5,
            "metrics": {"accuracy": 0.14},
        }
        weights.with_suffix(".json").write_text(json.dumps(record | changes))

    return write


@pytest.fixture
def weights(small_network: Any, write_record: Record, tmp_path: Path) -> Path:
    """The small network and its training record, as fer-train leaves them."""
    path = tmp_path / "small.keras"
    small_network.save(path)
    write_record(path)
    return path

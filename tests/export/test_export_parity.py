from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.errors import UsageError

pytestmark = [
    pytest.mark.keras,
    pytest.mark.usefixtures("tf", "onnx", "ort"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


@pytest.fixture
def network(weights: Path) -> Any:
    from fer_export.network import describe, load_network

    return load_network(weights, describe(weights))


@pytest.fixture
def graphs(network: Any) -> tuple[Any, Any]:
    from fer_export.graphs import expression_graph, preprocess_graph

    return preprocess_graph(network, (96, 96, 1)), expression_graph(network)


@pytest.fixture
def crops() -> Any:
    from fer_export.crops import Crops

    pixels = np.random.default_rng(2).integers(0, 256, (70, 96, 96, 1), dtype=np.uint8)
    return Crops(pixels, tuple(f"crop {index}" for index in range(70)))


def require(network: Any, graphs: tuple[Any, Any], crops: Any) -> Any:
    from fer_export.parity import require_parity

    return require_parity(network, graphs[0].SerializeToString(), graphs[1].SerializeToString(), crops)


def alter(graph: Any, name_start: str, change: float) -> None:
    import onnx

    (weight,) = [entry for entry in graph.graph.initializer if entry.name.startswith(name_start)][:1]
    values = onnx.numpy_helper.to_array(weight) + np.float32(change)
    weight.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float32), weight.name))


def test_faithful_graphs_pass(network: Any, graphs: tuple[Any, Any], crops: Any) -> None:
    assert require(network, graphs, crops).size < 1e-5


def test_altered_weight_is_refused_and_named(network: Any, graphs: tuple[Any, Any], crops: Any) -> None:
    from fer_export.parity import ParityError

    alter(graphs[1], "Conv_1.", 0.01)

    with pytest.raises(ParityError, match=r"differ by 0\.\d+.*EXPRESSION for '\w+' of crop crop \d+ is"):
        require(network, graphs, crops)


def test_altered_preprocessing_is_refused_and_named(
    network: Any, graphs: tuple[Any, Any], crops: Any
) -> None:
    from fer_export.parity import ParityError

    alter(graphs[0], "Mul_1.", 0.001)

    with pytest.raises(ParityError, match=r"NETWORK_INPUT at \[\d+, \d+, 0\] of crop"):
        require(network, graphs, crops)


def test_answer_that_is_no_number_is_the_largest_difference() -> None:
    from fer_export.parity import largest_difference

    expected = {"EXPRESSION": np.zeros((2, 3), np.float32), "NETWORK_INPUT": np.zeros((2, 2), np.float32)}
    answers = {"EXPRESSION": expected["EXPRESSION"].copy(), "NETWORK_INPUT": np.ones((2, 2), np.float32)}
    answers["EXPRESSION"][1, 2] = np.nan

    difference = largest_difference(expected, answers)

    assert (difference.size, difference.tensor, difference.crop, difference.position) == (
        np.inf,
        "EXPRESSION",
        1,
        (2,),
    )


def test_largest_difference_is_found() -> None:
    from fer_export.parity import largest_difference

    expected = {"EXPRESSION": np.zeros((4, 3), np.float32)}
    answers = {"EXPRESSION": np.zeros((4, 3), np.float32)}
    answers["EXPRESSION"][2, 1] = -0.25
    answers["EXPRESSION"][3, 0] = 0.125

    difference = largest_difference(expected, answers)

    assert (difference.size, difference.crop, difference.position, difference.onnx) == (0.25, 2, (1,), -0.25)


def test_difference_of_large_values_is_relative() -> None:
    from fer_export.parity import largest_difference

    expected = {"NETWORK_INPUT": np.array([[0, 250]], np.float32)}

    difference = largest_difference(expected, {"NETWORK_INPUT": np.array([[0, 248]], np.float32)})

    assert difference.size == pytest.approx(0.008)


@pytest.mark.parametrize("count", [1, 2, 4, 5, 68, 200])
def test_every_crop_is_compared_once(count: int) -> None:
    from fer_export.parity import _batches

    faces = np.arange(count, dtype=np.uint8)

    np.testing.assert_array_equal(np.concatenate(list(_batches(faces))), faces)


@pytest.mark.parametrize(("activation", "output"), [("softmax", "logits"), (None, "probabilities")])
def test_output_of_the_other_kind(
    keras: Any, tmp_path: Path, crops: Any, activation: str | None, output: Any
) -> None:
    from fer_export.network import describe, load_network
    from fer_export.parity import keras_answers

    last = keras.layers.Dense(2, activation=activation)
    path = tmp_path / "foreign.keras"
    keras.Sequential([keras.Input((48, 48, 1)), keras.layers.Flatten(), last]).save(path)
    description = describe(path, ("glad", "not"), (0, 1), output)
    other = "probabilities" if output == "logits" else "logits"

    with pytest.raises(UsageError, match=f"--output {other}"):
        keras_answers(load_network(path, description), crops.pixels)


def test_network_without_finite_answers(keras: Any, tmp_path: Path, crops: Any) -> None:
    from fer_export.network import describe, load_network
    from fer_export.parity import keras_answers

    last = keras.layers.Dense(2, bias_initializer=keras.initializers.Constant(float("nan")))
    path = tmp_path / "foreign.keras"
    keras.Sequential([keras.Input((48, 48, 1)), keras.layers.Flatten(), last]).save(path)
    network = load_network(path, describe(path, ("glad", "not"), (0, 1)))

    with pytest.raises(UsageError, match="not finite"):
        keras_answers(network, crops.pixels)

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = [
    pytest.mark.keras,
    pytest.mark.usefixtures("tf", "onnx", "ort"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


@pytest.fixture
def network(weights: Path) -> Any:
    from fer_export.description import describe
    from fer_export.network import load_network

    return load_network(weights, describe(weights))


@pytest.fixture
def graphs(network: Any) -> tuple[Any, Any]:
    from fer_export.graphs import preprocess_graph

    return preprocess_graph((-1.0, 1.0), (96, 96, 1), network.input_shape), network.graph()


@pytest.fixture
def crops() -> Any:
    from fer_export.crops import Crops

    pixels = np.random.default_rng(2).integers(0, 256, (70, 96, 96, 1), dtype=np.uint8)
    return Crops(pixels, tuple(f"crop {index}" for index in range(70)), {})


def require(network: Any, graphs: tuple[Any, Any], crops: Any) -> Any:
    from fer_export.answers import probabilities
    from fer_export.parity import own_outputs, require_parity, served_answers, served_inputs

    expected = probabilities(own_outputs(network, crops.pixels), network.description)
    files = {
        name: graph.SerializeToString()
        for name, graph in zip(("face_preprocess", "expression"), graphs, strict=True)
    }
    served = served_answers(files, served_inputs(files, crops.pixels))["EXPRESSION"]
    return require_parity(expected, served, crops.names, network.description.labels)


def alter(graph: Any, name_start: str, change: float) -> None:
    import onnx

    (weight,) = [entry for entry in graph.graph.initializer if entry.name.startswith(name_start)][:1]
    values = onnx.numpy_helper.to_array(weight) + np.float32(change)
    weight.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float32), weight.name))


def test_faithful_graphs_pass(network: Any, graphs: tuple[Any, Any], crops: Any) -> None:
    assert require(network, graphs, crops).size < 1e-5


@pytest.mark.parametrize(("part", "weight", "change"), [(1, "Conv_1.", 0.01), (0, "Mul_1.", 0.01)])
def test_altered_graph_is_refused_and_named(
    network: Any, graphs: tuple[Any, Any], crops: Any, part: int, weight: str, change: float
) -> None:
    from fer_export.parity import ParityError

    alter(graphs[part], weight, change)

    with pytest.raises(
        ParityError, match=r"from its source by 0\.\d+.*: '\w+' of crop crop \d+ is 0\.\d+, not"
    ):
        require(network, graphs, crops)


def test_inputs_up_to_255_are_held_to_the_same_tolerance(keras: Any, tmp_path: Path, crops: Any) -> None:
    from fer_export.description import describe
    from fer_export.graphs import preprocess_graph
    from fer_export.network import load_network
    from fer_export.parity import ParityError

    last = keras.layers.Dense(2, kernel_initializer=keras.initializers.RandomUniform(-0.001, 0.001, seed=1))
    path = tmp_path / "foreign.keras"
    keras.Sequential([keras.Input((48, 48, 1)), keras.layers.Flatten(), last]).save(path)
    network = load_network(path, describe(path, ("glad", "not"), (0, 255)))
    first = preprocess_graph((0, 255), (96, 96, 1), (48, 48, 1))
    alter(first, "Mul_1.", 1e-3)

    with pytest.raises(ParityError):
        require(network, (first, network.graph()), crops)


def test_answer_that_is_no_number_is_the_compare() -> None:
    from fer_export.parity import compare

    served = np.zeros((2, 3), np.float32)
    served[0, 1], served[1, 2] = 0.5, np.nan

    difference = compare(np.zeros((2, 3), np.float32), served)

    assert (difference.size, difference.crop, difference.label) == (np.inf, 1, 2)


def test_compare_is_found() -> None:
    from fer_export.parity import compare

    served = np.zeros((4, 3), np.float32)
    served[2, 1], served[3, 0] = -0.25, 0.125

    difference = compare(np.zeros((4, 3), np.float32), served)

    assert (difference.size, difference.crop, difference.label, difference.served) == (0.25, 2, 1, -0.25)


@pytest.mark.parametrize("count", [1, 2, 4, 5, 68, 200])
def test_every_crop_is_compared_once(count: int) -> None:
    from fer_export.parity import _batches

    faces = np.arange(count, dtype=np.uint8)

    np.testing.assert_array_equal(np.concatenate(list(_batches(faces))), faces)

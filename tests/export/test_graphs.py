import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = [
    pytest.mark.keras,
    pytest.mark.usefixtures("tf", "onnx", "ort"),
    # Keras 3.15 hands its variables to NumPy 2 in the old way.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


@pytest.fixture
def network(weights: Path) -> Any:
    from fer_export.description import describe
    from fer_export.network import load_network

    return load_network(weights, describe(weights))


@pytest.fixture
def graph(network: Any) -> Any:
    from fer_export.graphs import expression_graph

    return expression_graph(network)


def shape(tensor: Any) -> list[Any]:
    return [size.dim_param or size.dim_value for size in tensor.type.tensor_type.shape.dim]


def test_names_and_shapes_are_the_contract(onnx: Any, network: Any, graph: Any) -> None:
    from fer_export.graphs import preprocess_graph

    first = preprocess_graph((-1.0, 1.0), (96, 96, 1), network.input_shape).graph

    assert [(tensor.name, shape(tensor)) for tensor in (*first.input, *first.output)] == [
        ("FACES", ["batch", 96, 96, 1]),
        ("NETWORK_INPUT", ["batch", 48, 48, 1]),
    ]
    assert first.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [(tensor.name, shape(tensor)) for tensor in (*graph.graph.input, *graph.graph.output)] == [
        ("NETWORK_INPUT", ["batch", 48, 48, 1]),
        ("EXPRESSION", ["batch", 7]),
    ]


def test_standard_operations_of_a_version_that_servers_read(graph: Any) -> None:
    assert [(entry.domain, entry.version) for entry in graph.opset_import] == [("", 18)]
    assert graph.ir_version == 8
    assert {node.domain for node in graph.graph.node} == {""}


def test_batch_normalisation_is_folded(graph: Any) -> None:
    operations = [node.op_type for node in graph.graph.node]

    assert "BatchNormalization" not in operations
    assert operations.count("Conv") == 4
    assert len(operations) <= 16


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_is_served_in_fp32(keras: Any, onnx: Any, tmp_path: Path, policy: str) -> None:
    from fer_export.description import describe
    from fer_export.graphs import expression_graph
    from fer_export.network import load_network

    layers = keras.layers
    inner = keras.Sequential([keras.Input((48, 48, 1)), layers.SeparableConv2D(4, 3, dtype=policy)])
    last = [layers.BatchNormalization(dtype=policy), layers.GlobalAveragePooling2D(dtype=policy)]
    model = keras.Sequential([keras.Input((48, 48, 1)), inner, *last, layers.Dense(2, dtype=policy)])
    model.save(tmp_path / "mixed.keras")

    graph = expression_graph(
        load_network(tmp_path / "mixed.keras", describe(tmp_path / "mixed.keras", ("a", "b"), (0, 1)))
    )

    assert "Cast" not in [node.op_type for node in graph.graph.node]
    assert {weight.data_type for weight in graph.graph.initializer} <= {
        onnx.TensorProto.FLOAT,
        onnx.TensorProto.INT64,
    }


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_any_batch_gives_calibrated_probabilities(ort: Any, network: Any, graph: Any, batch: int) -> None:
    inputs = np.random.default_rng(1).uniform(-1, 1, (batch, 48, 48, 1)).astype(np.float32)
    session = ort.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    logits = network.model(inputs, training=False).numpy() / 0.5
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    (answer,) = session.run(["EXPRESSION"], {"NETWORK_INPUT": inputs})

    np.testing.assert_allclose(answer, expected, atol=1e-5)


def test_converting_again_gives_the_same_bytes(network: Any, graph: Any) -> None:
    from fer_export.graphs import expression_graph, with_metadata

    first = with_metadata(graph, {"b": "1", "a": "2"})

    assert first == with_metadata(expression_graph(network), {"a": "2", "b": "1"})


def test_metadata_is_readable_and_the_graph_untouched(onnx: Any, graph: Any) -> None:
    from fer_export.graphs import with_metadata

    described = onnx.load_from_string(with_metadata(graph, {"labels": '["a", "b"]'}))

    assert {entry.key: entry.value for entry in described.metadata_props} == {"labels": '["a", "b"]'}
    assert not graph.metadata_props
    assert described.graph == graph.graph


def test_another_process_gives_the_same_bytes(weights: Path, graph: Any) -> None:
    """TensorFlow's counters and Python's string hashes differ between processes; the file must not."""
    script = (
        "import sys, pathlib, keras\n"
        "keras.layers.Dense(3)(keras.Input((2,)))\n"
        "from fer_export.graphs import expression_graph\n"
        "from fer_export.description import describe\n"
        "from fer_export.network import load_network\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "graph = expression_graph(load_network(path, describe(path)))\n"
        "path.with_suffix('.onnx').write_bytes(graph.SerializeToString(deterministic=True))\n"
    )

    subprocess.run(
        [sys.executable, "-c", script, str(weights)],
        check=True,
        timeout=120,
        env=os.environ | {"PYTHONHASHSEED": "9"},
    )

    assert weights.with_suffix(".onnx").read_bytes() == graph.SerializeToString(deterministic=True)


def test_operation_outside_standard_onnx_is_refused(tf: Any, onnx: Any) -> None:

    from fer_client.errors import InputError
    from fer_export.graphs import TensorSpec, convert

    spec = TensorSpec("FACES", onnx.TensorProto.FLOAT, (8, 8, 1))
    out = TensorSpec("EXPRESSION", onnx.TensorProto.FLOAT, (4, 4, 1))

    with pytest.raises(InputError, match="standard ONNX"):
        convert(lambda faces: tf.image.resize(faces, (4, 4), antialias=True), spec, [out])

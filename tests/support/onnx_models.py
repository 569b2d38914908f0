"""Small ONNX models and their configurations, written into a model repository by the tests that serve them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Shape = Sequence[int]
Tensor = tuple[str, str, Shape]
"""Name, data type without TYPE_, dims without the batch (-1 is free)."""

ONNX_TYPES = {
    "BOOL": "BOOL",
    "UINT8": "UINT8",
    "INT8": "INT8",
    "INT32": "INT32",
    "INT64": "INT64",
    "FP16": "FLOAT16",
    "FP32": "FLOAT",
    "FP64": "DOUBLE",
}


def write_model(
    repository: Path,
    name: str,
    nodes: Sequence[tuple[str, Sequence[str], Sequence[str]]],
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    constants: dict[str, np.ndarray] | None = None,
    extra: str = "dynamic_batching { }",
) -> Path:
    """Write one batching model of plain operators (operator, inputs, outputs); give its folder."""
    onnx = pytest.importorskip("onnx", reason="needs the extra `export`")
    helper = onnx.helper

    def value(tensor: Tensor) -> Any:
        dims = ["batch", *(f"free{i}" if size < 0 else size for i, size in enumerate(tensor[2]))]
        return helper.make_tensor_value_info(
            tensor[0], getattr(onnx.TensorProto, ONNX_TYPES[tensor[1]]), dims
        )

    graph = helper.make_graph(
        [helper.make_node(operator, list(given), list(made)) for operator, given, made in nodes],
        name,
        [value(tensor) for tensor in inputs],
        [value(tensor) for tensor in outputs],
        [onnx.numpy_helper.from_array(array, key) for key, array in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    folder = repository / name
    (folder / "1").mkdir(parents=True)
    onnx.save(model, folder / "1" / "model.onnx")
    (folder / "config.pbtxt").write_text(config(name, inputs, outputs, extra))
    return folder


def config(name: str, inputs: Sequence[Tensor], outputs: Sequence[Tensor], extra: str) -> str:
    """The configuration of a model for the backend `onnxruntime`."""

    def block(kind: str, tensor: Tensor) -> str:
        return f'{kind} [ {{ name: "{tensor[0]}" data_type: TYPE_{tensor[1]} dims: {list(tensor[2])} }} ]\n'

    return (
        f'name: "{name}"\nbackend: "onnxruntime"\nmax_batch_size: 16\n'
        + "".join(block("input", tensor) for tensor in inputs)
        + "".join(block("output", tensor) for tensor in outputs)
        + 'parameters { key: "intra_op_thread_count" value { string_value: "1" } }\n'
        + extra
        + "\n"
    )


def write_double(repository: Path, extra: str = "dynamic_batching { }") -> Path:
    """A model that doubles four numbers."""
    return write_model(
        repository,
        "double",
        [("Add", ["X", "X"], ["Y"])],
        [("X", "FP32", (4,))],
        [("Y", "FP32", (4,))],
        extra=extra,
    )


def write_onnx(
    path: Path,
    shape: tuple[int, ...],
    batch: int | str = "n",
    ends_in_softmax: bool = False,
    flat: tuple[int, ...] = (-1, 4),
    width: int = 4,
) -> Path:
    """A network of three classes, as other makers write them: [N, C, H, W] or [N, H, W, C]; `flat` is its reshape.

    `width` is the number of its features.
    """
    onnx = pytest.importorskip("onnx", reason="needs the extra `export`")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    rng, is_planar = np.random.default_rng(1), shape[0] in (1, 3)
    channels = shape[0] if is_planar else shape[2]
    constants = {
        "kernel": rng.normal(0, 1, (width, channels, 3, 3)).astype(np.float32),
        "flat": np.array(flat),
        "matrix": rng.normal(0, 1, (width, 3)).astype(np.float32),
    }
    nodes = [
        helper.make_node(
            "Transpose", ["NETWORK_INPUT"], ["planes"], perm=(0, 1, 2, 3) if is_planar else (0, 3, 1, 2)
        ),
        helper.make_node("Conv", ["planes", "kernel"], ["maps"]),
        helper.make_node("GlobalAveragePool", ["maps"], ["means"]),
        helper.make_node("Reshape", ["means", "flat"], ["features"]),
        helper.make_node("MatMul", ["features", "matrix"], ["logits"]),
        helper.make_node("Softmax" if ends_in_softmax else "Identity", ["logits"], ["answers"]),
    ]
    graph = helper.make_graph(
        nodes,
        "foreign",
        [helper.make_tensor_value_info("NETWORK_INPUT", onnx.TensorProto.FLOAT, (batch, *shape))],
        [helper.make_tensor_value_info("answers", onnx.TensorProto.FLOAT, (batch, 3))],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path

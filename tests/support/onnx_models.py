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

"""Open an ONNX file as Triton's configuration says, and check that the two agree.

Works on Triton's ModelConfig as a JSON mapping. Every error is one sentence that names the file, what the
configuration says and what the graph has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

DTYPES: Mapping[str, tuple[str, type[np.generic]]] = {
    "TYPE_BOOL": ("tensor(bool)", np.bool_),
    "TYPE_UINT8": ("tensor(uint8)", np.uint8),
    "TYPE_UINT16": ("tensor(uint16)", np.uint16),
    "TYPE_UINT32": ("tensor(uint32)", np.uint32),
    "TYPE_UINT64": ("tensor(uint64)", np.uint64),
    "TYPE_INT8": ("tensor(int8)", np.int8),
    "TYPE_INT16": ("tensor(int16)", np.int16),
    "TYPE_INT32": ("tensor(int32)", np.int32),
    "TYPE_INT64": ("tensor(int64)", np.int64),
    "TYPE_FP16": ("tensor(float16)", np.float16),
    "TYPE_FP32": ("tensor(float)", np.float32),
    "TYPE_FP64": ("tensor(double)", np.float64),
}
"""Triton's data type: ONNX Runtime's name for it, and NumPy's type."""

# The values of NVIDIA's backend, whose configurations this one reads: -1, 1 and 2; everything else means all.
_GRAPH_LEVELS = {
    -1: ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    1: ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    2: ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
}


class ModelError(Exception):
    """The model cannot be served: its file or its configuration is wrong."""


@dataclass(frozen=True)
class TensorSpec:
    """One tensor of the configuration: `dims` as the backend sees them, without the batch, -1 where variable."""

    name: str
    data_type: str
    dims: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy's dtype for the configured data type."""
        return np.dtype(DTYPES[self.data_type][1])


def tensor_specs(entries: Sequence[Mapping[str, Any]]) -> list[TensorSpec]:
    """Read the `input` or `output` list of a ModelConfig; a `reshape` wins over `dims`, as Triton applies it."""
    return [_spec(entry) for entry in entries]


def _spec(entry: Mapping[str, Any]) -> TensorSpec:
    dims = entry["reshape"].get("shape", []) if "reshape" in entry else entry["dims"]
    return TensorSpec(entry["name"], entry["data_type"], tuple(int(size) for size in dims))


def parameter(config: Mapping[str, Any], name: str, default: int) -> int:
    """Read a whole number from the configuration's `parameters`."""
    text = config.get("parameters", {}).get(name, {}).get("string_value", "") or str(default)
    try:
        return int(text)
    except ValueError:
        raise ModelError(f"the parameter {name} is '{text}', but must be a whole number") from None


def session_options(config: Mapping[str, Any]) -> ort.SessionOptions:
    """Translate the parameters that NVIDIA's ONNX Runtime backend knows; unknown ones are ignored, as there."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    # Waiting threads that spin take the cores from the other instances, the server and the client.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.intra_op_num_threads = parameter(config, "intra_op_thread_count", 0)
    options.inter_op_num_threads = parameter(config, "inter_op_thread_count", 0)
    if parameter(config, "execution_mode", 0):
        options.execution_mode = ort.ExecutionMode.ORT_PARALLEL
    options.enable_cpu_mem_arena = bool(parameter(config, "enable_mem_arena", 1))
    options.enable_mem_pattern = bool(parameter(config, "enable_mem_pattern", 1))
    level = int(config.get("optimization", {}).get("graph", {}).get("level", 0))
    options.graph_optimization_level = _GRAPH_LEVELS.get(level, ort.GraphOptimizationLevel.ORT_ENABLE_ALL)
    return options


def open_session(path: Path, config: Mapping[str, Any]) -> ort.InferenceSession:
    """Load the ONNX file and check it against the configuration."""
    if not path.is_file():
        raise ModelError(
            f"the file {path} is missing; put the ONNX file there or name another in default_model_filename"
        )
    options = session_options(config)
    try:
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions share no base class but this.
        raise ModelError(f"ONNX Runtime cannot read {path}: {one_line(error)}") from None
    check(session, config, path.name)
    return session


def check(session: ort.InferenceSession, config: Mapping[str, Any], file: str) -> None:
    """Raise ModelError at the first tensor of the configuration that the graph does not have in that form."""
    batched = int(config.get("max_batch_size", 0)) > 0
    inputs = {tensor.name: tensor for tensor in session.get_inputs()}
    outputs = {tensor.name: tensor for tensor in session.get_outputs()}
    configured = tensor_specs(config["input"])
    for spec in configured:
        _check_tensor("input", spec, inputs, batched, file)
    for spec in tensor_specs(config["output"]):
        _check_tensor("output", spec, outputs, batched, file)
    missing = inputs.keys() - {spec.name for spec in configured}
    if missing:
        raise ModelError(f"config.pbtxt lacks the input {', '.join(sorted(missing))} that {file} needs")


def _check_tensor(kind: str, spec: TensorSpec, graph: Mapping[str, Any], batched: bool, file: str) -> None:
    if spec.data_type not in DTYPES:
        raise ModelError(f"the {kind} {spec.name} is {spec.data_type}, which this backend does not support")
    if spec.name not in graph:
        raise ModelError(f"config.pbtxt names the {kind} {spec.name}, but {file} has {_names(graph)}")
    node = graph[spec.name]
    dims = (-1, *spec.dims) if batched else spec.dims
    if node.type != DTYPES[spec.data_type][0] or not fits(dims, node.shape):
        batch = " (batch first)" if batched else ""
        raise ModelError(
            f"config.pbtxt gives the {kind} {spec.name} as {spec.data_type} {list(dims)}{batch}, "
            f"but {file} has {node.type} {node.shape}"
        )


def fits(dims: Sequence[int], shape: Sequence[int | str | None]) -> bool:
    """Tell whether configured dims can flow through a graph's shape, whose free dimensions are names or None.

    A configured -1 needs a free dimension, so a graph with a fixed batch does not fit a batching configuration.
    """
    return len(dims) == len(shape) and all(
        not isinstance(size, int) or size == dim for dim, size in zip(dims, shape, strict=True)
    )


def _names(graph: Mapping[str, Any]) -> str:
    return ", ".join(sorted(graph)) or "none"


def one_line(error: Exception) -> str:
    """Give an error's message without line breaks."""
    return " ".join(str(error).split())

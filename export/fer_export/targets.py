"""What computes the network on the server: ONNX Runtime alone, with an accelerator inside, or a TensorRT plan."""

from collections.abc import Mapping
from typing import Literal, get_args

from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelInstanceGroup

from fer_client.errors import UsageError
from fer_export.repository import CONFIG, EXPRESSION_MODEL, config_text, parameter, parse_config

Target = Literal["onnxruntime", "onnxruntime-tensorrt", "onnxruntime-openvino", "tensorrt"]
Precision = Literal["fp32", "fp16", "int8"]

PRECISIONS: Mapping[Target, tuple[Precision, ...]] = {
    "onnxruntime": ("fp32", "fp16", "int8"),
    "onnxruntime-tensorrt": ("fp32", "fp16"),
    "onnxruntime-openvino": ("fp32",),
    "tensorrt": ("fp32", "fp16"),
}
"""What each target computes in. With ONNX Runtime alone, `fp16` halves the file and computes as before."""

TARGET, PRECISION = "target", "precision"
"""Parameters of the model `expression` that say what it was made for; without them ONNX Runtime in FP32."""

PROVIDERS: Mapping[str, str] = {
    "onnxruntime-tensorrt": "TensorrtExecutionProvider",
    "onnxruntime-openvino": "OpenVINOExecutionProvider",
}
"""ONNX Runtime's names for the accelerators."""


def require_pair(target: Target, precision: Precision) -> None:
    """Raise UsageError for a precision that the target does not offer."""
    if precision not in PRECISIONS[target]:
        raise UsageError(
            f"The target {target} does not compute in {precision}: give --precision {' or '.join(PRECISIONS[target])}."
        )


def marked(config: ModelConfig, target: Target, precision: Precision) -> ModelConfig:
    """The configuration with what it is made for among its parameters."""
    made = ModelConfig()
    made.CopyFrom(config)
    made.parameters[TARGET].string_value = target
    made.parameters[PRECISION].string_value = precision
    return made


def is_marked(config: ModelConfig) -> bool:
    """Whether a model says what it is made for; the plain FP32 ones for ONNX Runtime do not."""
    return TARGET in config.parameters


def precision_of(config: ModelConfig) -> Precision:
    """What a model computes in, by its parameters."""
    stated = parameter(config, PRECISION)
    return next((name for name in get_args(Precision) if name == stated), "fp32")


def fitted(
    files: Mapping[str, bytes], target: Target, precision: Precision, optimum: int
) -> dict[str, bytes]:
    """The files of a version whose model `expression` runs in ONNX Runtime, alone or with its accelerator.

    What ONNX Runtime computes alone in FP32 stays as it is. `optimum` is the batch size that TensorRT tunes for.
    """
    if (target, precision) == ("onnxruntime", "fp32"):
        return dict(files)
    path = f"{EXPRESSION_MODEL}/{CONFIG}"
    config = marked(parse_config(files[path].decode()), target, precision)
    if target == "onnxruntime-tensorrt":
        _accelerate_with_tensorrt(config, precision, optimum)
    elif target == "onnxruntime-openvino":
        config.optimization.execution_accelerators.cpu_execution_accelerator.add(name="openvino")
        for group in config.instance_group:
            group.kind = ModelInstanceGroup.KIND_CPU
    return {**files, path: config_text(config).encode()}


def _accelerate_with_tensorrt(config: ModelConfig, precision: Precision, optimum: int) -> None:
    """One engine for batches from 1 to the largest; without its own range it is built anew for each new size.

    It is built whenever the model is loaded. A cache on disk would save that, but whoever can write to its folder can
    have the server run code.
    """
    accelerator = config.optimization.execution_accelerators.gpu_execution_accelerator.add(name="tensorrt")
    accelerator.parameters["precision_mode"] = precision.upper()
    for kind, shape in batch_shapes(config, optimum).items():
        accelerator.parameters[f"trt_profile_{kind}_shapes"] = shape
    for group in config.instance_group:
        group.kind = ModelInstanceGroup.KIND_GPU


def batch_shapes(config: ModelConfig, optimum: int) -> dict[str, str]:
    """The smallest, the best and the largest input as TensorRT's tools write them, `NAME:batchxheightx…`.

    Raises UsageError for an optimum that the model does not take.
    """
    if not 1 <= optimum <= config.max_batch_size:
        raise UsageError(f"Expected a batch size from 1 to {config.max_batch_size}, got {optimum}.")
    (taken,) = config.input
    return {
        kind: f"{taken.name}:{'x'.join(map(str, (batch, *taken.dims)))}"
        for kind, batch in (("min", 1), ("opt", optimum), ("max", config.max_batch_size))
    }

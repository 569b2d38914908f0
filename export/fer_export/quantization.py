"""Smaller numbers in an ONNX graph: weights stored in FP16, or INT8 arithmetic calibrated on real crops."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from fer_client.errors import InputError
from fer_export.preprocessing import Float32Array
from fer_export.repository import NETWORK_INPUT

MIN_OPSET = 13
"""Since then a scale may differ by channel."""

MIN_HALVED = 64
"""Smaller constants stay in FP32; they are scales and shapes, which save nothing."""

_PREPARED = {"onnx.infer": "onnxruntime.quant", "onnx.quant.pre_process": "onnxruntime.quant"}
"""ONNX Runtime's own marks of a graph that is folded and has its shapes, without which it advises to do both."""


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store the weights in FP16; they are cast as the file is opened, and all arithmetic stays in FP32."""
    half = onnx.ModelProto()
    half.CopyFrom(model)
    casts = []
    for weight in half.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype == np.float32 and values.size >= MIN_HALVED:
            stored = f"{weight.name} in FP16"
            casts.append(helper.make_node("Cast", [stored], [weight.name], to=onnx.TensorProto.FLOAT))
            weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
    nodes = [*casts, *half.graph.node]
    del half.graph.node[:]
    half.graph.node.extend(nodes)
    return half


def quantised(model: onnx.ModelProto, inputs: Iterable[Float32Array]) -> onnx.ModelProto:
    """Static quantisation to UINT8 activations and INT8 weights by channel, calibrated on batches of inputs.

    What leads from the last features to the answers (the last layer, softmax, what stands behind) stays in FP32.
    Raises InputError for a graph of an older operator set, or one that ONNX Runtime cannot quantise.
    """
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    if opset < MIN_OPSET:
        raise InputError(
            f"The network is of operator set {opset}, and INT8 needs {MIN_OPSET} or newer: export it again."
        )
    prepared = onnx.shape_inference.infer_shapes(model)
    helper.set_model_props(prepared, _PREPARED)
    for index, node in enumerate(prepared.graph.node):
        node.name = node.name or f"{node.op_type} {index}"
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "model.onnx")
        try:
            quantize_static(
                prepared,
                path,
                _Inputs(inputs),
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                nodes_to_exclude=_last_layers(prepared.graph),
            )
        except Exception as error:  # the quantiser raises whatever a graph makes it stumble over
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InputError(
                f"ONNX Runtime cannot quantise the network ({reason}): serve it in fp32."
            ) from error
        return onnx.load(path)


class _Inputs(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, inputs: Iterable[Float32Array]) -> None:
        self._feeds = ({NETWORK_INPUT: batch} for batch in inputs)

    def get_next(self) -> dict[str, Float32Array] | None:
        return next(self._feeds, None)


def _last_layers(graph: onnx.GraphProto) -> list[str]:
    """Names of the matrix products and softmaxes, and of all that follows the first softmax."""
    named, behind = [], set[str]()
    for node in graph.node:
        follows = any(tensor in behind for tensor in node.input)
        if follows or node.op_type == "Softmax":
            behind.update(node.output)
        if follows or node.op_type in ("Softmax", "MatMul", "Gemm"):
            named.append(node.name)
    return named

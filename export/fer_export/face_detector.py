"""The face detector as ONNX, in the form that OpenCV's `FaceDetectorYN` reads, compared with Keras before it is kept.

Written node by node: OpenCV's importer takes no shapes that are computed in the graph, which a converter leaves where
height and width are open. Normalisation is folded into the convolutions, and weights are kept in half precision, which
OpenCV widens as it reads them.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from fer_client.errors import InputError

INPUT = "luma"
STRIDES = (8, 16, 32)
PARTS = {"cls": (0, 1), "obj": (0, 1), "bbox": (1, 5), "kps": (5, 15)}
"""Columns of a cell's answers by the name of the output, in the order that FaceDetectorYN expects; it takes the root of
`cls` times `obj` for the score, so both are the score."""

TOLERANCE = 5e-3
"""Largest difference of an answer, in cells, logarithms and scores, on noise: a sixth of a pixel in the largest cells.
Half precision of the weights has about three digits."""

_OPSET = 13
_TRIED_HW = (96, 160)


@dataclass
class _Graph:
    """Nodes and weights so far."""

    nodes: list[Any] = field(default_factory=list)
    weights: list[Any] = field(default_factory=list)

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


def export_detector(weights: Path, out: Path) -> float:
    """Write the ONNX file and return the largest difference of its answers, as OpenCV gives them, from those of Keras.

    Raises InputError where the weights cannot be read, or the answers differ by more than TOLERANCE: nothing is written
    then.
    """
    model = _opened(weights)
    data = detector_graph(model).SerializeToString()
    difference = _difference(model, data)
    if difference > TOLERANCE:
        raise InputError(
            f"Expected OpenCV to answer as Keras does for {weights}, but an answer differs by {difference:.2g}. "
            "Nothing was written."
        )
    beside = out.with_name(f".{out.name}.part")
    beside.write_bytes(data)
    os.replace(beside, out)
    return difference


def _opened(weights: Path) -> keras.Model:
    try:
        model = keras.saving.load_model(weights, compile=False, safe_mode=True)
        model.get_layer("first")
        model.get_layer(f"answer{STRIDES[-1]}")
    except Exception as error:  # Keras raises whatever its readers of zip, HDF5 and JSON happen to raise.
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"Expected the weights of `fer-train detector` at {weights}, but: {reason}"
        ) from error
    return model


def _difference(model: keras.Model, data: bytes) -> float:
    height, width = _TRIED_HW
    luma = np.random.default_rng(0).integers(0, 256, (1, 1, height, width)).astype(np.float32)
    net = cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))
    net.setInput(luma)
    names = [f"{name}_{stride}" for stride in STRIDES for name in PARTS]
    answered = dict(zip(names, net.forward(names), strict=True))
    expected = np.asarray(model.predict_on_batch(luma.transpose(0, 2, 3, 1)))[0]
    largest, first = 0.0, 0
    for stride in STRIDES:
        last = first + (height // stride) * (width // stride)
        for name, (low, high) in PARTS.items():
            values = expected[first:last, low:high]
            values = values if low else 1 / (1 + np.exp(-values))
            off = np.abs(answered[f"{name}_{stride}"].reshape(values.shape) - values)
            largest = max(largest, float(off.max()))
        first = last
    return largest


def detector_graph(model: keras.Model) -> onnx.ModelProto:
    """Turn the network of `fer_training.detector.network` into ONNX, float32 [1, 1, H, W] in, H and W open.

    Its outputs are `cls_8`, `cls_16`, … `kps_32`, float32 [1, cells, columns].
    """
    graph = _Graph()
    scaled = model.get_layer("scaled")
    middle = graph.constant("middle", np.array([scaled.offset / scaled.scale], np.float32))
    x = graph.add("Add", [INPUT, middle], "centred")  # the scale goes into the kernel
    x = _normalised(graph, model, x, "first", scaled.scale)
    levels = {}
    for stride in STRIDES:
        x = _normalised(graph, model, x, f"down{stride}")
        while _has_layer(model, name := f"stage{stride}_{_count(graph, f'stage{stride}_')}"):
            x = _normalised(graph, model, x, name)
        levels[stride] = _normalised(graph, model, x, f"level{stride}")
    doubled = graph.constant("doubled", np.array([1, 1, 2, 2], np.float32))
    for finer, coarser in ((16, 32), (8, 16)):
        wide = graph.add(
            "Resize", [levels[coarser], "", doubled], f"wide{coarser}", mode="nearest",
            coordinate_transformation_mode="asymmetric", nearest_mode="floor",
        )  # fmt: skip
        levels[finer] = graph.add("Add", [levels[finer], wide], f"joined{finer}")
    outputs = [output for stride in STRIDES for output in _answers(graph, model, levels[stride], stride)]
    return _closed(graph, outputs)


def _has_layer(model: keras.Model, name: str) -> bool:
    return any(layer.name == name for layer in model.layers)


def _count(graph: _Graph, prefix: str) -> int:
    return sum(node.op_type == "Conv" and node.name.startswith(prefix) for node in graph.nodes)


def _normalised(graph: _Graph, model: keras.Model, x: str, name: str, scale: float = 1.0) -> str:
    """A convolution of `scale` times x with the normalisation behind it, then the rectifier."""
    layer, norm = model.get_layer(name), model.get_layer(f"{name}_norm")
    gamma, beta, mean, variance = norm.get_weights()
    gain = gamma / np.sqrt(variance + norm.epsilon)
    x = _convolution(graph, x, name, layer, layer.get_weights()[0] * gain * scale, beta - mean * gain)
    return graph.add("Relu", [x], f"{name}_relu")


def _convolution(
    graph: _Graph, x: str, name: str, layer: Any, kernel: NDArray[np.float32], bias: NDArray[np.float32]
) -> str:
    size, stride = layer.kernel_size[0], layer.strides[0]
    before = (padding := max(size - stride, 0)) // 2
    after = padding - before
    inputs = [
        x,
        graph.constant(f"{name}_kernel", kernel.transpose(3, 2, 0, 1).astype(np.float16)),
        graph.constant(f"{name}_bias", bias.astype(np.float16)),
    ]
    pads = [before, before, after, after]
    return graph.add("Conv", inputs, name, kernel_shape=[size, size], strides=[stride, stride], pads=pads)


def _answers(graph: _Graph, model: keras.Model, level: str, stride: int) -> list[str]:
    x = _normalised(graph, model, level, f"head{stride}")
    layer = model.get_layer(f"answer{stride}")
    x = _convolution(graph, x, f"answer{stride}", layer, *layer.get_weights())
    x = graph.add("Transpose", [x], f"last{stride}", perm=[0, 2, 3, 1])
    shape = graph.constant(f"shape{stride}", np.array([1, -1, layer.filters], np.int64))
    x = graph.add("Reshape", [x, shape], f"cells{stride}")
    for name, (first, last) in PARTS.items():
        output = f"{name}_{stride}"
        if name == "obj":
            graph.add("Identity", [f"cls_{stride}"], output)
            continue
        bounds = [
            graph.constant(f"{output}_{edge}", np.array([value], np.int64))
            for edge, value in (("first", first), ("last", last), ("axis", 2))
        ]
        if name == "cls":
            graph.add("Slice", [x, *bounds], f"logit{stride}")
            graph.add("Sigmoid", [f"logit{stride}"], output)
        else:
            graph.add("Slice", [x, *bounds], output)
    return [f"{name}_{stride}" for name in PARTS]


def _closed(graph: _Graph, outputs: list[str]) -> onnx.ModelProto:
    """Order the outputs by part, name the shapes, and check the whole."""
    ordered = [f"{name}_{stride}" for name in PARTS for stride in STRIDES]
    columns = {name: last - first for name, (first, last) in PARTS.items()}
    declared = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, None, columns[name.split("_")[0]]])
        for name in ordered
        if name in outputs
    ]
    luma = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1, 1, "height", "width"])
    body = helper.make_graph(graph.nodes, "face_detector", [luma], declared, graph.weights)
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=8)

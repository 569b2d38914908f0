"""A network of any origin in an ONNX file, as it is read and as it is served.

Its operations stay as they are; what stands around them is made to fit: the layout of the input, a batch of any size,
softmax behind logits, and names.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import compose, helper, numpy_helper

from fer_client.contract import EXPRESSION
from fer_client.errors import InputError
from fer_export.description import Description, require_labels
from fer_export.graphs import TensorSpec, value_info
from fer_export.preprocessing import TO_PLANES, Float32Array, Shape
from fer_export.repository import NETWORK_INPUT
from fer_export.sessions import open_session

MIN_OPSET, MIN_IR = 7, 4
"""ONNX Runtime answers for operator sets from 7; weights need not be inputs since version 4 of the format."""

PREFIX = "network/"


@dataclass(frozen=True)
class OnnxNetwork:
    """An ONNX graph whose shapes fit its description, open in ONNX Runtime.

    `input_shape` is (height, width, channels), also where the graph takes [N, C, H, W] (`is_planar`). `batch` is the
    only batch size that the file allows, 0 where it allows any. `weights_sha256` is the checksum of the file.
    """

    model: onnx.ModelProto
    session: Any
    input_shape: Shape
    is_planar: bool
    batch: int
    description: Description
    weights_sha256: str

    def outputs(self, network_input: Float32Array) -> Float32Array:
        """The file's own answers FP32 [N, K] to FP32 [N, *input_shape]."""
        taken = network_input.transpose(TO_PLANES) if self.is_planar else network_input
        size = self.batch or len(taken)
        parts = (taken[start : start + size] for start in range(0, len(taken), size))
        return np.concatenate([_run(self.session, part, size)[: len(part)] for part in parts])

    def graph(self) -> onnx.ModelProto:
        """The model `expression` in ONNX: NETWORK_INPUT [batch, *input_shape] to EXPRESSION [batch, K]."""
        model = compose.add_prefix(self.model, PREFIX)
        model.ir_version = max(MIN_IR, model.ir_version)
        graph = model.graph
        if self.batch:
            _free_batch(graph, self.batch)
        nodes = [*self._before(_taken(graph)[0].name), *graph.node, *self._after(graph.output[0].name)]
        for field in (graph.node, graph.input, graph.output, graph.value_info):
            del field[:]
        graph.node.extend(nodes)
        graph.input.append(value_info(TensorSpec(NETWORK_INPUT, onnx.TensorProto.FLOAT, self.input_shape)))
        classes = (len(self.description.labels),)
        graph.output.append(value_info(TensorSpec(EXPRESSION, onnx.TensorProto.FLOAT, classes)))
        return model

    def _before(self, taken: str) -> Iterator[onnx.NodeProto]:
        if self.is_planar:
            yield helper.make_node("Transpose", [NETWORK_INPUT], [taken], perm=TO_PLANES)
        else:
            yield helper.make_node("Identity", [NETWORK_INPUT], [taken])

    def _after(self, given: str) -> Iterator[onnx.NodeProto]:
        if self.description.output == "probabilities":
            yield helper.make_node("Identity", [given], [EXPRESSION])
            return
        temperature = numpy_helper.from_array(np.float32(self.description.temperature))
        yield helper.make_node("Constant", [], ["temperature"], value=temperature)
        yield helper.make_node("Div", [given, "temperature"], ["scaled logits"])
        yield helper.make_node("Softmax", ["scaled logits"], [EXPRESSION], axis=1)

    def versions(self) -> dict[str, str]:
        """Versions that the graph depends on."""
        return {"onnx": onnx.__version__}


def load_onnx(weights: Path, description: Description) -> OnnxNetwork:
    """Read an ONNX file and check that it is an image classifier.

    Raises InputError for a file that cannot be read or whose tensors do not fit, UsageError where the labels do not
    fit the network.
    """
    model, session = _open(weights)
    input_shape, is_planar = _layout(model.graph, weights, description)
    batch = int(_sizes(_taken(model.graph)[0])[0] or 0)
    height, width, channels = input_shape
    sample = (1, channels, height, width) if is_planar else (1, *input_shape)
    output = _run(session, np.zeros(sample, np.float32), batch or 1)
    if len(session.get_outputs()) != 1 or output.ndim != 2 or output.dtype != np.float32:
        raise InputError(
            f"{weights.name} gives {len(session.get_outputs())} output(s), the first {output.dtype} "
            f"{list(output.shape)}, expected one float32 [batch, classes]: cut it down to its classifier."
        )
    require_labels(weights, output.shape[1], description.labels)
    checksum = hashlib.sha256(weights.read_bytes()).hexdigest()
    return OnnxNetwork(model, session, input_shape, is_planar, batch, description, checksum)


def _open(weights: Path) -> tuple[onnx.ModelProto, Any]:
    try:
        model = onnx.load(weights)
        onnx.checker.check_model(model)
        session = open_session(model.SerializeToString())
    except Exception as error:  # protobuf, onnx and ONNX Runtime raise their own, without a common base.
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{weights} could not be read as an ONNX network ({reason}): export it again, with standard operators."
        ) from error
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    if opset < MIN_OPSET:
        raise InputError(
            f"{weights.name} is of operator set {opset}, expected {MIN_OPSET} or newer: export it again."
        )
    return model, session


def _run(session: Any, pictures: Float32Array, size: int) -> Float32Array:
    """Answer for at most `size` pictures; where they are fewer, repeat them to fill the batch."""
    filled = np.resize(pictures, (size, *pictures.shape[1:]))
    return np.asarray(session.run(None, {session.get_inputs()[0].name: filled})[0])


def _layout(graph: onnx.GraphProto, weights: Path, description: Description) -> tuple[Shape, bool]:
    """(height, width, channels) and whether the channels stand before the pixels, told by which size is 1 or 3."""
    taken = _taken(graph)
    if len(taken) == 1 and taken[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
        match _sizes(taken[0]):
            case [_, height, width, (1 | 3) as channels]:
                return description.input_shape(weights, height, width, channels), False
            case [_, (1 | 3) as channels, height, width]:
                return description.input_shape(weights, height, width, channels), True
    found = " and ".join(
        f"{helper.tensor_dtype_to_np_dtype(tensor.type.tensor_type.elem_type)} {_sizes(tensor)}"
        for tensor in taken
    )
    raise InputError(
        f"{weights.name} takes {found or 'nothing'}, expected one float32 [batch, height, width, 1 or 3] or "
        "[batch, 1 or 3, height, width]: export an image classifier."
    )


def _taken(graph: onnx.GraphProto) -> list[onnx.ValueInfoProto]:
    """The inputs that a caller fills; old files list the weights too."""
    weights = {weight.name for weight in graph.initializer}
    return [tensor for tensor in graph.input if tensor.name not in weights]


def _sizes(tensor: onnx.ValueInfoProto) -> list[int | None]:
    return [size.dim_value or None for size in tensor.type.tensor_type.shape.dim]


def _free_batch(graph: onnx.GraphProto, batch: int) -> None:
    """Let every Reshape to a fixed batch keep the batch that comes; 0 is ONNX's word for that.

    Exporters write the size of their sample there. A Reshape of something else that happens to start with the same
    number goes wrong, which the comparison on real crops finds.
    """
    shapes = {name for node in graph.node if node.op_type == "Reshape" for name in node.input[1:]}
    constants = [weight for weight in graph.initializer if weight.name in shapes]
    constants += [
        node.attribute[0].t
        for node in graph.node
        if node.op_type == "Constant" and node.output[0] in shapes and node.attribute[0].name == "value"
    ]
    for constant in constants:
        sizes = numpy_helper.to_array(constant).copy()
        if sizes.size > 1 and sizes[0] == batch:
            sizes[0] = 0
            constant.CopyFrom(numpy_helper.from_array(sizes, constant.name))

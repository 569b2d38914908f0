"""Parallel linear branches of an ONNX graph become one convolution: RepVGG and its kin as they are served.

A network may learn with several branches between two activations: a 3x3 convolution, a 1x1 one, the input itself,
each with its batch normalisation. All are linear, so their sum is one convolution whose kernel is the sum of theirs
(Ding et al. 2021, arXiv 2101.03697). It is found by the graph's structure, so any network that has it gains.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper


@dataclass(frozen=True)
class _Branch:
    """One convolution of `source`: kernel [out, in, height, width], bias [out], pads (top, left, bottom, right).

    `area` is the pixels that the graph's own convolutions read for it, 0 for a mere scaling.
    """

    source: str
    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]
    strides: tuple[int, int]
    pads: tuple[int, int, int, int]
    area: int


def merged_branches(model: onnx.ModelProto) -> onnx.GraphProto:
    """Give the graph with every sum of parallel branches as one convolution; nodes left idle stay in it."""
    graph = onnx.GraphProto()
    graph.CopyFrom(model.graph)
    reader = _Reader(graph)
    for index, node in enumerate(model.graph.node):
        branch = reader.branch(node.output[0]) if node.op_type == "Add" else None
        if branch is not None and branch.area and reader.is_last_sum(node.output[0]):
            name = node.output[0]
            weights = {f"{name}.kernel": branch.kernel, f"{name}.bias": branch.bias}
            graph.initializer.extend(numpy_helper.from_array(array, key) for key, array in weights.items())
            graph.node[index].CopyFrom(_convolution(branch, [branch.source, *weights], name))
    return graph


def _convolution(branch: _Branch, inputs: list[str], output: str) -> onnx.NodeProto:
    return helper.make_node(
        "Conv",
        inputs,
        [output],
        dilations=(1, 1),
        group=1,
        kernel_shape=branch.kernel.shape[2:],
        pads=branch.pads,
        strides=branch.strides,
    )


class _Reader:
    """Reads tensors of a graph back as branches."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._producers = {tensor: node for node in graph.node for tensor in node.output}
        self._consumers = Counter(tensor for node in graph.node for tensor in node.input)
        self._followers = {tensor: node for node in graph.node for tensor in node.input}
        self._constants = {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}

    def is_last_sum(self, tensor: str) -> bool:
        """Whether no sum goes on from this one that would be merged as a whole."""
        follower = self._followers.get(tensor)
        if follower is None or follower.op_type != "Add" or self._consumers[tensor] > 1:
            return True
        return self.branch(follower.output[0]) is None

    def branch(self, tensor: str) -> _Branch | None:
        """Read what a tensor is computed by, as one convolution, if it is one."""
        node = self._producers.get(tensor)
        if node is None:
            return None
        if node.op_type == "Conv":
            return self._of_convolution(node)
        if node.op_type in ("Mul", "Add"):
            first, second = node.input
            per_channel = self._per_channel(first), self._per_channel(second)
            if per_channel[0] is not None or per_channel[1] is not None:
                other = first if per_channel[0] is None else second
                values = per_channel[1] if per_channel[0] is None else per_channel[0]
                return self._of_constant(node.op_type, other, values)
            if node.op_type == "Add":
                return self._of_sum(first, second)
        return None

    def _of_convolution(self, node: onnx.NodeProto) -> _Branch | None:
        settings: dict[str, Any] = {item.name: helper.get_attribute_value(item) for item in node.attribute}
        is_plain = settings.get("group", 1) == 1 and set(settings.get("dilations", [1])) == {1}
        if (
            not is_plain
            or "auto_pad" in settings
            or any(name not in self._constants for name in node.input[1:])
        ):
            return None
        kernel = self._constants[node.input[1]]
        bias = self._constants[node.input[2]] if len(node.input) > 2 else np.zeros(len(kernel), np.float32)
        return _Branch(
            node.input[0],
            kernel,
            bias,
            tuple(settings.get("strides", (1, 1))),
            tuple(settings.get("pads", (0, 0, 0, 0))),
            kernel[0, 0].size,
        )

    def _of_constant(self, operation: str, tensor: str, values: Any) -> _Branch | None:
        """Read `tensor` times or plus one value per channel; a tensor that is no branch is one scaled by 1."""
        inner = self._alone(tensor) or _identity(tensor, len(values))
        if len(inner.bias) != len(values):
            return None
        scale, shift = (values, 0) if operation == "Mul" else (np.ones_like(values), values)
        kernel = inner.kernel * scale[:, None, None, None]
        return _Branch(
            inner.source, kernel, inner.bias * scale + shift, inner.strides, inner.pads, inner.area
        )

    def _of_sum(self, first: str, second: str) -> _Branch | None:
        one, other = self._alone(first), self._alone(second)
        if one is not None and other is None and second == one.source:
            other = _identity(second, one.kernel.shape[1])
        if other is not None and one is None and first == other.source:
            one = _identity(first, other.kernel.shape[1])
        return None if one is None or other is None else _added(one, other)

    def _alone(self, tensor: str) -> _Branch | None:
        """Read a branch that nothing else needs, so that it is gone once merged."""
        return self.branch(tensor) if self._consumers[tensor] == 1 else None

    def _per_channel(self, tensor: str) -> NDArray[np.float32] | None:
        """One value per channel of [N, C, H, W] where the tensor is such a constant, [C, 1, 1] or [1, C, 1, 1]."""
        values = self._constants.get(tensor)
        if values is None or values.ndim not in (3, 4) or values.shape[-2:] != (1, 1) or values.size < 2:
            return None
        return values.reshape(-1) if values.size == values.shape[-3] else None


def _identity(tensor: str, channels: int) -> _Branch:
    kernel = np.eye(channels, dtype=np.float32)[:, :, None, None]
    return _Branch(tensor, kernel, np.zeros(channels, np.float32), (1, 1), (0, 0, 0, 0), 0)


def _added(one: _Branch, other: _Branch) -> _Branch | None:
    """Sum two branches of one source, unless the common window would cost more than both."""
    if one.source != other.source or one.strides != other.strides or len(one.bias) != len(other.bias):
        return None
    top, left, bottom, right = (max(pads) for pads in zip(one.pads, other.pads, strict=True))
    window = [_window(branch, top, left) for branch in (one, other)]
    height, width = (max(sides) for sides in zip(*window, strict=True))
    if height * width > one.area + other.area:
        return None
    kernel = sum(_placed(branch, top, left, height, width) for branch in (one, other))
    return _Branch(
        one.source,
        np.asarray(kernel, np.float32),
        one.bias + other.bias,
        one.strides,
        (top, left, bottom, right),
        height * width,
    )


def _window(branch: _Branch, top: int, left: int) -> tuple[int, int]:
    height, width = branch.kernel.shape[2:]
    return height + top - branch.pads[0], width + left - branch.pads[1]


def _placed(branch: _Branch, top: int, left: int, height: int, width: int) -> NDArray[np.float32]:
    """Put a kernel into a larger one where its pixels stay those it read before."""
    down, right = top - branch.pads[0], left - branch.pads[1]
    after = height - down - branch.kernel.shape[2], width - right - branch.kernel.shape[3]
    return np.pad(branch.kernel, ((0, 0), (0, 0), (down, after[0]), (right, after[1])))

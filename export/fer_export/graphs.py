"""The served ONNX graphs: stable names, symbolic batch, the same bytes from every run.

TensorFlow is imported by what traces a Keras network, so that an ONNX file is exported without it.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import onnx
from onnx import helper, numpy_helper

from fer_client.contract import EXPRESSION, FACES, VALENCE_AROUSAL
from fer_client.errors import InputError
from fer_export.branches import merged_branches
from fer_export.preprocessing import operations
from fer_export.repository import NETWORK_INPUT

if TYPE_CHECKING:
    from fer_export.affect import Affect
    from fer_export.network import Network

OPSET = 18
IR_VERSION = 8
"""ONNX versions that ONNX Runtime reads since 1.14, hence every Triton image since 2023."""

BATCH = "batch"


@dataclass(frozen=True)
class TensorSpec:
    """A tensor of a served graph; `shape` leaves the batch out, `dtype` is a member of `onnx.TensorProto`."""

    name: str
    dtype: int
    shape: tuple[int, ...]


def preprocess_graph(
    input_range: tuple[float, float], crop_shape: tuple[int, int, int], input_shape: tuple[int, int, int]
) -> onnx.ModelProto:
    """`face_preprocess`: FACES UINT8 [batch, *crop_shape] to NETWORK_INPUT FP32 [batch, *input_shape]."""
    nodes, constants, tensor = [], [], FACES
    for index, (kind, constant, attributes) in enumerate(operations(crop_shape, input_shape, input_range)):
        inputs = [tensor]
        if constant is not None:
            inputs.append(f"constant {index}")
            constants.append(numpy_helper.from_array(constant, inputs[1]))
        tensor = f"tensor {index}"
        nodes.append(helper.make_node(kind, inputs, [tensor], **attributes))
    taken = TensorSpec(FACES, onnx.TensorProto.UINT8, crop_shape)
    given = TensorSpec(tensor, onnx.TensorProto.FLOAT, input_shape)
    graph = helper.make_graph(nodes, "", [value_info(taken)], [value_info(given)], constants)
    return canonical(graph, taken, [replace(given, name=NETWORK_INPUT)])


def expression_graph(network: "Network", affect: "Affect | None" = None) -> onnx.ModelProto:
    """`expression`: NETWORK_INPUT FP32 [batch, *input_shape] to EXPRESSION FP32 [batch, K].

    With what stands behind the network, also to VALENCE_AROUSAL FP32 [batch, 2].
    """
    import tensorflow as tf

    def function(network_input: Any) -> Any:
        if affect is not None:
            features, probabilities = network.parts(network_input)
            return probabilities, affect.behind(features, probabilities)
        output = tf.cast(network.model(network_input, training=False), tf.float32)
        if network.description.output == "probabilities":
            return output
        return tf.nn.softmax(output / network.description.temperature)

    return convert(
        function,
        TensorSpec(NETWORK_INPUT, onnx.TensorProto.FLOAT, network.input_shape),
        [
            TensorSpec(EXPRESSION, onnx.TensorProto.FLOAT, (len(network.description.labels),)),
            *([] if affect is None else [TensorSpec(VALENCE_AROUSAL, onnx.TensorProto.FLOAT, (2,))]),
        ],
    )


def convert(
    function: Callable[[Any], Any], taken: TensorSpec, given: Sequence[TensorSpec]
) -> onnx.ModelProto:
    """Trace a function of one tensor to ONNX; tf2onnx folds constants and batch normalisation into weights.

    `given` are the tensors that it returns, in order.

    Raises InputError for a network with operations that standard ONNX lacks.
    """
    import tensorflow as tf
    import tf2onnx

    signature = tf.TensorSpec((None, *taken.shape), tf.as_dtype(helper.tensor_dtype_to_np_dtype(taken.dtype)))
    try:
        model, _ = tf2onnx.convert.from_function(
            tf.function(function, autograph=False), [signature], opset=OPSET
        )
        model = canonical(model.graph, taken, given)
        model = canonical(without_idle_reshapes(model), taken, given)
        model = canonical(merged_branches(model), taken, given)
        onnx.checker.check_model(model, full_check=True)
    except (ValueError, onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"The network cannot be written as standard ONNX ({reason}): use stock layers."
        ) from error
    return model


def canonical(graph: onnx.GraphProto, taken: TensorSpec, given: Sequence[TensorSpec]) -> onnx.ModelProto:
    """Order and name everything by the graph's structure alone; what later outputs need follows what the first needs.

    tf2onnx takes names from TensorFlow's counters and from lower-cased arguments: they differ between runs.
    Raises ValueError for operations outside the standard set and for control flow.
    """
    nodes = _ordered(graph, [output.name for output in graph.output])
    for node in nodes:
        if node.domain not in ("", "ai.onnx") or any(attribute.HasField("g") for attribute in node.attribute):
            raise ValueError(f"operation {node.op_type} of domain {node.domain or 'ai.onnx'}")
    node_names = _node_names(nodes)
    names = {graph.input[0].name: taken.name, "": ""}
    names |= {
        tensor: f"{name}:{i}"
        for node, name in zip(nodes, node_names, strict=True)
        for i, tensor in enumerate(node.output)
    }
    names |= {output.name: spec.name for output, spec in zip(graph.output, given, strict=True)}
    constants = {constant.name: constant for constant in graph.initializer}
    weights = []
    for node, name in zip(nodes, node_names, strict=True):
        for slot, tensor in enumerate(node.input):
            if tensor in constants and tensor not in names:
                names[tensor] = f"{name}.{slot}"
                weights.append(
                    numpy_helper.from_array(numpy_helper.to_array(constants[tensor]), names[tensor])
                )
    renamed = [_renamed(node, name, names) for node, name in zip(nodes, node_names, strict=True)]
    outputs = [value_info(spec) for spec in given]
    served = helper.make_graph(renamed, given[0].name.lower(), [value_info(taken)], outputs, weights)
    return helper.make_model(
        served,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="fer-triton",
    )


def without_idle_reshapes(model: onnx.ModelProto) -> onnx.GraphProto:
    """Drop every Reshape whose output has its input's shape.

    tf2onnx turns transpositions of 1x1 maps into them and removes some, other ones in each run.
    """
    inferred = onnx.shape_inference.infer_shapes(model).graph
    known = [*inferred.input, *inferred.value_info]
    sizes = {info.name: [size.dim_value for size in info.type.tensor_type.shape.dim[1:]] for info in known}
    graph = onnx.GraphProto()
    graph.CopyFrom(model.graph)
    del graph.node[:]
    sources: dict[str, str] = {}
    outputs = {output.name for output in graph.output}
    for node in model.graph.node:
        before, after = sizes.get(node.input[0]), sizes.get(node.output[0])
        is_idle = node.op_type == "Reshape" and before and before == after and all(before)
        if is_idle and node.output[0] not in outputs:
            sources[node.output[0]] = sources.get(node.input[0], node.input[0])
            continue
        kept = graph.node.add()
        kept.CopyFrom(node)
        kept.input[:] = [sources.get(tensor, tensor) for tensor in node.input]
    return graph


def _ordered(graph: onnx.GraphProto, outputs: Sequence[str]) -> list[onnx.NodeProto]:
    """Nodes that the outputs need, each after those it needs, in an order given by the structure alone."""
    producers = {tensor: index for index, node in enumerate(graph.node) for tensor in node.output}
    ordered: dict[int, onnx.NodeProto] = {}
    waiting = [producers[output] for output in reversed(outputs)]
    while waiting:
        index = waiting[-1]
        if index in ordered:
            waiting.pop()
            continue
        needed = [producers[tensor] for tensor in graph.node[index].input if tensor in producers]
        missing = [producer for producer in needed if producer not in ordered]
        if missing:
            waiting.extend(reversed(missing))
        else:
            ordered[waiting.pop()] = graph.node[index]
    return list(ordered.values())


def _node_names(nodes: Sequence[onnx.NodeProto]) -> list[str]:
    seen: Counter[str] = Counter()
    names = []
    for node in nodes:
        seen[node.op_type] += 1
        names.append(f"{node.op_type}_{seen[node.op_type]}")
    return names


def _renamed(node: onnx.NodeProto, name: str, names: Mapping[str, str]) -> onnx.NodeProto:
    attributes = sorted(node.attribute, key=lambda attribute: attribute.name)
    renamed = helper.make_node(
        node.op_type,
        [names[tensor] for tensor in node.input],
        [names[tensor] for tensor in node.output],
        name=name,
    )
    renamed.attribute.extend(attributes)
    return renamed


def value_info(spec: TensorSpec) -> onnx.ValueInfoProto:
    """Declare a graph's input or output, with a batch of any size."""
    return helper.make_tensor_value_info(spec.name, spec.dtype, (BATCH, *spec.shape))


def with_metadata(model: onnx.ModelProto, metadata: Mapping[str, str]) -> bytes:
    """The file's bytes, with the metadata in sorted order."""
    described = onnx.ModelProto()
    described.CopyFrom(model)
    helper.set_model_props(described, dict(sorted(metadata.items())))
    return bytes(described.SerializeToString(deterministic=True))

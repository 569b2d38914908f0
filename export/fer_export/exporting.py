"""From a file of weights to a model repository: read, convert, compare on real crops, and only then write."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
from tritonclient.grpc.model_config_pb2 import TYPE_FP32

from fer_client.contract import EXPRESSION, VALENCE_AROUSAL
from fer_export.answers import MAX_SURE_SHARE, output_kind, probabilities, require_spread, sure_share
from fer_export.crops import Crops, load_crops
from fer_export.description import OutputKind, describe
from fer_export.graphs import preprocess_graph, with_metadata
from fer_export.onnx_network import OnnxNetwork, load_onnx
from fer_export.parity import Difference, own_affect, own_outputs, require_parity, served_answers
from fer_export.preprocessing import Float32Array, default_crop_side
from fer_export.repository import (
    AFFECT_MODEL,
    EXPRESSION_MODEL,
    MODELS,
    PREPROCESS_MODEL,
    Tensor,
    build,
    require_free,
    served_models,
    write,
)
from fer_export.sessions import latency_ms

if TYPE_CHECKING:
    from fer_export.affect import Affect
    from fer_export.network import Network

LATENCY_BATCHES = (1, 64)
DIMENSIONS = ("valence", "arousal")


@dataclass(frozen=True)
class ExportSettings:
    """What the command was asked for; None leaves the choice to the training record or the network.

    `overwrite` replaces models that the repository already holds. `is_trusted` opens files that can hold code.
    `crop_side` is the side in pixels of the crops that clients will send. A larger `max_batch_size` lets Triton
    join more requests at a time and takes more memory for each instance. `affect` tells valence and arousal.
    """

    weights: Path
    model_repository: Path
    labels: tuple[str, ...] | None = None
    input_range: tuple[float, float] | None = None
    output: OutputKind | None = None
    crops: Path | None = None
    crop_side: int | None = None
    max_batch_size: int = 64
    overwrite: bool = False
    is_trusted: bool = False
    affect: Path | None = None


@dataclass(frozen=True)
class GraphReport:
    """Size of a written graph, and ONNX Runtime's milliseconds for a batch on one thread, by batch size."""

    nodes: int
    size_bytes: int
    latency_ms: dict[int, float]


@dataclass(frozen=True)
class Answer:
    """What the exported network says of one crop, and the probability of that."""

    crop: str
    label: str
    confidence: float


@dataclass(frozen=True)
class ExportReport:
    """What was written, how close it is to its source, and what it answers.

    `crop_shape` is (height, width, channels); `sure_share` is the share of crops whose answer is all but certain.
    `affect` is the difference of valence and arousal, None where they are not served.
    """

    crop_shape: tuple[int, int, int]
    labels: tuple[str, ...]
    graphs: dict[str, GraphReport]
    crops: int
    difference: Difference
    output: OutputKind
    examples: tuple[Answer, ...]
    sure_share: float
    affect: Difference | None = None

    @property
    def is_suspiciously_sure(self) -> bool:
        """Whether so many answers are all but certain as a range too large for the network makes them."""
        return self.sure_share > MAX_SURE_SHARE


def export(settings: ExportSettings) -> ExportReport:
    """Write the model repository for one network.

    Raises UsageError, InputError or `fer_export.parity.ParityError`, and leaves the repository as it was.
    """
    if not settings.overwrite:
        require_free(settings.model_repository, MODELS)
    network = _read(settings)
    side = settings.crop_side or default_crop_side(max(network.input_shape[:2]))
    crop_shape = (side, side, network.input_shape[2])
    crops = load_crops(settings.crops, crop_shape)
    outputs = own_outputs(network, crops.pixels)
    network = _settled(network, output_kind(outputs, settings.output))
    affect = _read_affect(settings, network)
    labels, graphs = network.description.labels, _graphs(network, affect, crop_shape)
    metadata = provenance(network)
    files = {
        name: with_metadata(graph, metadata | _affect_metadata(affect, graph))
        for name, graph in graphs.items()
    }
    answers = served_answers(files, crops.pixels)
    expression = answers[EXPRESSION]
    difference = require_parity(probabilities(outputs, network.description), expression, crops.names, labels)
    require_spread(expression, labels)
    affect_difference = None
    if affect is not None:
        expected = own_affect(affect, network, crops.pixels)
        affect_difference = require_parity(expected, answers[VALENCE_AROUSAL], crops.names, DIMENSIONS)
    models = served_models(files, crop_shape, network.input_shape, _outputs(graphs))
    repository = build(models, labels, settings.max_batch_size, _origin(metadata, affect))
    write(repository, settings.model_repository, settings.overwrite)
    reports = {name: _report(graph, files[name]) for name, graph in graphs.items()}
    return ExportReport(
        crop_shape,
        labels,
        reports,
        len(crops.pixels),
        difference,
        network.description.output,
        _examples(expression, crops, labels),
        sure_share(expression),
        affect_difference,
    )


def _origin(metadata: dict[str, str], affect: "Affect | None") -> dict[str, str]:
    """What the ensemble says of the networks behind it."""
    origin: dict[str, str] = {
        key: metadata[key] for key in ("architecture", "weights_sha256") if key in metadata
    }
    return origin if affect is None else origin | affect.metadata()


def _read_affect(settings: ExportSettings, network: "Network | OnnxNetwork") -> "Affect | None":
    if settings.affect is None:
        return None
    from fer_export.affect import load_affect  # Keras takes seconds

    return load_affect(settings.affect, network)


def _affect_metadata(affect: "Affect | None", graph: onnx.ModelProto) -> dict[str, str]:
    """Beside the file that gives valence and arousal alone, so that the others are the same without them."""
    gives = any(output.name == VALENCE_AROUSAL for output in graph.graph.output)
    return affect.metadata() if affect is not None and gives else {}


def _outputs(graphs: dict[str, onnx.ModelProto]) -> dict[str, tuple[Tensor, ...]]:
    """What each network gives, by its name; every output is FP32."""
    return {
        name: tuple(
            Tensor(
                output.name,
                TYPE_FP32,
                tuple(size.dim_value for size in output.type.tensor_type.shape.dim[1:]),
            )
            for output in graph.graph.output
        )
        for name, graph in graphs.items()
        if name != PREPROCESS_MODEL
    }


def _read(settings: ExportSettings) -> "Network | OnnxNetwork":
    """Read the network by the ending of its file."""
    description = describe(settings.weights, settings.labels, settings.input_range)
    if settings.weights.suffix == ".onnx":
        return load_onnx(settings.weights, description)
    from fer_export.network import load_network  # Keras takes seconds, and an ONNX file needs none

    return load_network(settings.weights, description, settings.is_trusted)


def _settled(network: "Network | OnnxNetwork", output: OutputKind) -> "Network | OnnxNetwork":
    return replace(network, description=replace(network.description, output=output))


def _graphs(
    network: "Network | OnnxNetwork", affect: "Affect | None", crop_shape: tuple[int, int, int]
) -> dict[str, onnx.ModelProto]:
    input_range = network.description.input_range
    graphs = {PREPROCESS_MODEL: preprocess_graph(input_range, crop_shape, network.input_shape)}
    if affect is None or isinstance(network, OnnxNetwork) or affect.is_own:
        graphs[EXPRESSION_MODEL] = network.graph()
    else:
        graphs[EXPRESSION_MODEL] = network.graph(affect)
    if affect is not None and affect.is_own:
        graphs[AFFECT_MODEL] = affect.own_graph(network.input_shape)
    return graphs


def _examples(answers: Float32Array, crops: Crops, labels: tuple[str, ...]) -> tuple[Answer, ...]:
    return tuple(
        Answer(name, labels[int(answers[index].argmax())], float(answers[index].max()))
        for name, index in crops.examples.items()
    )


def provenance(network: "Network | OnnxNetwork") -> dict[str, str]:
    """Metadata of both ONNX files, as JSON where it is not plain text.

    It holds no time and no place, so that exporting again gives the same bytes.
    """
    description = network.description
    recorded = {
        key: value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        for key, value in description.provenance.items()
    }
    return recorded | {
        "labels": json.dumps(list(description.labels)),
        "input_range": json.dumps(list(description.input_range)),
        "output": description.output,
        "temperature": json.dumps(description.temperature),
        "weights_sha256": network.weights_sha256,
        "versions": json.dumps(network.versions(), sort_keys=True),
    }


def _report(graph: onnx.ModelProto, content: bytes) -> GraphReport:
    taken = graph.graph.input[0].type.tensor_type
    shape = [dimension.dim_value for dimension in taken.shape.dim][1:]
    dtype = onnx.helper.tensor_dtype_to_np_dtype(taken.elem_type)
    latencies = {size: latency_ms(content, np.zeros((size, *shape), dtype)) for size in LATENCY_BATCHES}
    return GraphReport(len(graph.graph.node), len(content), latencies)

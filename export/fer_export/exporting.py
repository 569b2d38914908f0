"""From a file of weights to a model repository: read, convert, compare on real crops, and only then write."""

from dataclasses import dataclass

import numpy as np
import onnx
from tritonclient.grpc.model_config_pb2 import TYPE_FP32

from fer_client.contract import EXPRESSION, VALENCE_AROUSAL
from fer_export.answers import MAX_SURE_SHARE, sure_share
from fer_export.conversion import Converted, convert_network, provenance
from fer_export.crops import Crops
from fer_export.description import OutputKind
from fer_export.parity import Difference
from fer_export.plans import find_trtexec
from fer_export.preprocessing import Float32Array
from fer_export.repository import PREPROCESS_MODEL, Tensor, build, served_models, write
from fer_export.sessions import latency_ms
from fer_export.settings import ExportSettings
from fer_export.targets import require_pair
from fer_export.variants import Judged, aim, narrow
from fer_export.versions import active, add, next_version

LATENCY_BATCHES = (1, 64)


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
    `affect` is the difference of valence and arousal, None where they are not served. The differences are the
    target's own, unless `is_compared` says that nothing here computes as it does. `active` is the version that serves.
    """

    crop_shape: tuple[int, int, int]
    labels: tuple[str, ...]
    graphs: dict[str, GraphReport]
    crops: int
    difference: Difference
    output: OutputKind
    examples: tuple[Answer, ...]
    sure_share: float
    affect: Difference | None
    version: int
    active: int
    is_compared: bool
    judged: Judged

    @property
    def is_suspiciously_sure(self) -> bool:
        """Whether so many answers are all but certain as a range too large for the network makes them."""
        return self.sure_share > MAX_SURE_SHARE


def export(settings: ExportSettings) -> ExportReport:
    """Write the model repository for one network, or a further version of it.

    Raises UsageError, InputError or `fer_export.parity.ParityError`, and leaves the repository as it was.
    """
    require_pair(settings.target, settings.precision)
    version = 1 if settings.overwrite else next_version(settings.model_repository)
    trtexec = find_trtexec(settings.trtexec) if settings.target == "tensorrt" else ""
    converted, judged = narrow(convert_network(settings), settings)
    files = converted.files()
    network = converted.network
    models = served_models(files, converted.crop_shape, network.input_shape, _outputs(converted.graphs))
    origin = _origin(converted) | judged.parameter()
    repository = build(models, network.description.labels, settings.max_batch_size, origin, version)
    repository, aimed = aim(repository, version, converted, settings, trtexec)
    if settings.overwrite:
        write(repository, settings.model_repository)
    else:
        add(repository, version, settings.model_repository, settings.activate)
    result = aimed or converted
    expression = result.answers[EXPRESSION]
    return ExportReport(
        converted.crop_shape,
        network.description.labels,
        {name: _report(graph, files[name]) for name, graph in converted.graphs.items()},
        len(expression),
        result.differences[EXPRESSION],
        network.description.output,
        _examples(expression, converted.crops, network.description.labels),
        sure_share(expression),
        result.differences.get(VALENCE_AROUSAL),
        version,
        active(settings.model_repository),
        aimed is not None,
        judged,
    )


def _origin(converted: Converted) -> dict[str, str]:
    """What the ensemble says of the networks behind it."""
    metadata, affect = provenance(converted.network), converted.affect
    origin: dict[str, str] = {
        key: metadata[key] for key in ("architecture", "weights_sha256") if key in metadata
    }
    return origin if affect is None else origin | affect.metadata()


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


def _examples(answers: Float32Array, crops: Crops, labels: tuple[str, ...]) -> tuple[Answer, ...]:
    return tuple(
        Answer(name, labels[int(answers[index].argmax())], float(answers[index].max()))
        for name, index in crops.examples.items()
    )


def _report(graph: onnx.ModelProto, content: bytes) -> GraphReport:
    taken = graph.graph.input[0].type.tensor_type
    shape = [dimension.dim_value for dimension in taken.shape.dim][1:]
    dtype = onnx.helper.tensor_dtype_to_np_dtype(taken.elem_type)
    latencies = {size: latency_ms(content, np.zeros((size, *shape), dtype)) for size in LATENCY_BATCHES}
    return GraphReport(len(graph.graph.node), len(content), latencies)

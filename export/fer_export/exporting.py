"""From a file of weights to a model repository: read, convert, compare on real crops, and only then write."""

import json
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

from fer_export.crops import load_crops
from fer_export.graphs import expression_graph, preprocess_graph, with_metadata
from fer_export.network import Network, OutputKind, describe, load_network
from fer_export.parity import Difference, require_parity
from fer_export.preprocessing import default_crop_side
from fer_export.repository import EXPRESSION_MODEL, PREPROCESS_MODEL, build, write
from fer_export.sessions import latency_ms

LATENCY_BATCHES = (1, 64)


@dataclass(frozen=True)
class ExportSettings:
    """What the command was asked for; None leaves the choice to the training record or the network's shape.

    `crop_side` is the side in pixels of the crops that clients will send. A larger `max_batch_size` lets Triton
    join more requests at a time and takes more memory for each instance.
    """

    weights: Path
    model_repository: Path
    labels: tuple[str, ...] | None = None
    input_range: tuple[float, float] | None = None
    output: OutputKind | None = None
    crops: Path | None = None
    crop_side: int | None = None
    max_batch_size: int = 64


@dataclass(frozen=True)
class GraphReport:
    """Size of a written graph, and ONNX Runtime's milliseconds for a batch on one thread, by batch size."""

    nodes: int
    size_bytes: int
    latency_ms: dict[int, float]


@dataclass(frozen=True)
class ExportReport:
    """What was written and how close it is to Keras; `crop_shape` is (height, width, channels)."""

    crop_shape: tuple[int, int, int]
    labels: tuple[str, ...]
    graphs: dict[str, GraphReport]
    crops: int
    difference: Difference


def export(settings: ExportSettings) -> ExportReport:
    """Write the model repository for one network.

    Raises UsageError, InputError or `fer_export.parity.ParityError`, and leaves the repository as it was.
    """
    description = describe(settings.weights, settings.labels, settings.input_range, settings.output)
    network = load_network(settings.weights, description)
    side = settings.crop_side or default_crop_side(max(network.input_shape[:2]))
    crop_shape = (side, side, network.input_shape[2])
    crops = load_crops(settings.crops, crop_shape)
    metadata = provenance(network)
    graphs = {
        PREPROCESS_MODEL: preprocess_graph(network, crop_shape),
        EXPRESSION_MODEL: expression_graph(network),
    }
    files = {name: with_metadata(graph, metadata) for name, graph in graphs.items()}
    difference = require_parity(network, files[PREPROCESS_MODEL], files[EXPRESSION_MODEL], crops)
    repository = build(
        files[PREPROCESS_MODEL],
        files[EXPRESSION_MODEL],
        crop_shape,
        network.input_shape,
        description.labels,
        settings.max_batch_size,
        {key: metadata[key] for key in ("architecture", "weights_sha256") if key in metadata},
    )
    write(repository, settings.model_repository)
    reports = {name: _report(graph, files[name]) for name, graph in graphs.items()}
    return ExportReport(crop_shape, description.labels, reports, len(crops.pixels), difference)


def provenance(network: Network) -> dict[str, str]:
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
        "versions": json.dumps(
            {"keras": keras.__version__, "tensorflow": tf.__version__, "tf2onnx": tf2onnx.__version__},
            sort_keys=True,
        ),
    }


def _report(graph: onnx.ModelProto, content: bytes) -> GraphReport:
    taken = graph.graph.input[0].type.tensor_type
    shape = [dimension.dim_value for dimension in taken.shape.dim][1:]
    dtype = onnx.helper.tensor_dtype_to_np_dtype(taken.elem_type)
    latencies = {size: latency_ms(content, np.zeros((size, *shape), dtype)) for size in LATENCY_BATCHES}
    return GraphReport(len(graph.graph.node), len(content), latencies)

"""From a file of weights to ONNX graphs in FP32 that answer as the network itself does on real crops."""

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import onnx

from fer_client.contract import EXPRESSION, VALENCE_AROUSAL
from fer_export.answers import output_kind, probabilities, require_spread
from fer_export.crops import Crops, load_crops
from fer_export.description import describe
from fer_export.graphs import preprocess_graph, with_metadata
from fer_export.onnx_network import OnnxNetwork, load_onnx
from fer_export.parity import Difference, Gate, own_affect, own_outputs, served_answers, served_inputs
from fer_export.preprocessing import Float32Array, default_crop_side
from fer_export.repository import AFFECT_MODEL, EXPRESSION_MODEL, PREPROCESS_MODEL
from fer_export.settings import ExportSettings

if TYPE_CHECKING:
    from fer_export.affect import Affect
    from fer_export.network import Network

DIMENSIONS = ("valence", "arousal")


@dataclass(frozen=True)
class Converted:
    """A network, its graphs by model, and what the graphs answer.

    `inputs` are the batches that `face_preprocess` makes of the crops, `answers` those of the networks behind it by
    output, and `differences` how far they are from the network's own, which `gate` holds.
    """

    network: "Network | OnnxNetwork"
    affect: "Affect | None"
    crop_shape: tuple[int, int, int]
    crops: Crops
    graphs: dict[str, onnx.ModelProto]
    gate: Gate
    inputs: list[Float32Array]
    answers: dict[str, Float32Array]
    differences: dict[str, Difference]

    def file(self, graph: onnx.ModelProto) -> bytes:
        """The bytes of one of the graphs, with what it was made of."""
        return _file(graph, provenance(self.network), self.affect)

    def files(self) -> dict[str, bytes]:
        """The ONNX files by model."""
        return {name: self.file(graph) for name, graph in self.graphs.items()}


def convert_network(settings: ExportSettings) -> Converted:
    """Read, convert and compare. Raises UsageError, InputError or `fer_export.parity.ParityError`."""
    network = read_network(settings)
    side = settings.crop_side or default_crop_side(max(network.input_shape[:2]))
    crop_shape = (side, side, network.input_shape[2])
    crops = load_crops(settings.crops, crop_shape)
    outputs = own_outputs(network, crops.pixels)
    description = replace(network.description, output=output_kind(outputs, settings.output))
    network = replace(network, description=description)
    affect = _read_affect(settings, network)
    graphs = _graphs(network, affect, crop_shape)
    files = {name: _file(graph, provenance(network), affect) for name, graph in graphs.items()}
    inputs = served_inputs(files, crops.pixels)
    expected, columns = {EXPRESSION: probabilities(outputs, description)}, {EXPRESSION: description.labels}
    if affect is not None:
        expected[VALENCE_AROUSAL] = own_affect(affect, network, crops.pixels)
        columns[VALENCE_AROUSAL] = DIMENSIONS
    gate = Gate(expected, columns, crops.names)
    answers = served_answers(files, inputs)
    differences = gate.require(answers)
    require_spread(answers[EXPRESSION], description.labels)
    return Converted(network, affect, crop_shape, crops, graphs, gate, inputs, answers, differences)


def read_network(settings: ExportSettings) -> "Network | OnnxNetwork":
    """Read the network by the ending of its file."""
    description = describe(
        settings.weights, settings.labels, settings.input_range, settings.size, settings.channels
    )
    if settings.weights.suffix == ".onnx":
        return load_onnx(settings.weights, description)
    from fer_export.network import load_network  # Keras takes seconds, and an ONNX file needs none

    return load_network(settings.weights, description, settings.is_trusted)


def provenance(network: "Network | OnnxNetwork") -> dict[str, str]:
    """Metadata of all ONNX files, as JSON where it is not plain text.

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


def _read_affect(settings: ExportSettings, network: "Network | OnnxNetwork") -> "Affect | None":
    if settings.affect is None:
        return None
    from fer_export.affect import load_affect  # Keras takes seconds

    return load_affect(settings.affect, network)


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


def _file(graph: onnx.ModelProto, metadata: dict[str, str], affect: "Affect | None") -> bytes:
    """What affect says of itself stands in the file that gives it alone, so that the others are the same without."""
    gives = any(output.name == VALENCE_AROUSAL for output in graph.graph.output)
    return with_metadata(graph, metadata | (affect.metadata() if affect is not None and gives else {}))

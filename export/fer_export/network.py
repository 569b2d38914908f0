"""A trained network and what must be known to serve it: labels, input range, calibration, origin."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import keras

from fer_client.errors import InputError, UsageError

OutputKind = Literal["logits", "probabilities"]

PROVENANCE = ("architecture", "data", "recipe", "seed", "epochs", "metrics")
"""Entries of the training record that travel into the ONNX metadata."""


@dataclass(frozen=True)
class Description:
    """What a file of weights does not say about itself.

    `input_range` holds the values that luma 0 and 255 become. `temperature` divides the logits before
    softmax; it is 1 for a network that is served as trained.
    """

    labels: tuple[str, ...]
    input_range: tuple[float, float]
    output: OutputKind = "logits"
    temperature: float = 1.0
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Network:
    """A Keras model whose shapes fit its description.

    `input_shape` is (height, width, channels); `weights_sha256` is the checksum of the file it came from.
    """

    model: Any
    input_shape: tuple[int, int, int]
    description: Description
    weights_sha256: str


def describe(
    weights: Path,
    labels: tuple[str, ...] | None = None,
    input_range: tuple[float, float] | None = None,
    output: OutputKind | None = None,
) -> Description:
    """Take the description from the record `<weights>.json` that training writes; the arguments overrule it.

    Raises UsageError where neither says what is needed, InputError for a missing file or an unusable record.
    """
    if not weights.is_file():
        raise InputError(
            f"There is no file {weights}: name a network that fer-train wrote, such as NAME.keras."
        )
    path = weights.with_suffix(".json")
    record = _read_record(path) if path.is_file() else {}
    labels = labels or _recorded_labels(record, path)
    input_range = input_range or _recorded_range(record, path)
    if labels is None or input_range is None:
        option = "--labels" if labels is None else "--input-range"
        raise UsageError(
            f"No record {path.name} beside {weights.name} says what the network needs: give {option}."
        )
    if len(labels) < 2 or len(set(labels)) != len(labels):
        raise UsageError(f"Expected two or more distinct labels, got {', '.join(labels)}.")
    if not input_range[0] < input_range[1]:
        raise UsageError(f"Expected an input range LOW HIGH with LOW below HIGH, got {input_range}.")
    return Description(
        labels=labels,
        input_range=input_range,
        output=output or "logits",
        temperature=_recorded_temperature(record, path),
        provenance={key: record[key] for key in PROVENANCE if key in record},
    )


def load_network(weights: Path, description: Description) -> Network:
    """Read a `.keras` file, or an HDF5 file of older Keras, and check that it is an image classifier.

    Raises InputError for a file that cannot be read or whose shapes do not fit, UsageError where the labels
    do not fit the network.
    """
    model = _load_model(weights)
    input_shape = _input_shape(model, weights)
    width = _output_width(model, weights)
    # Old files wrap the single input in a list, of which Keras 3 warns at every call.
    model = keras.Model(model.inputs[0], model.outputs[0])
    _compute_in_fp32(model)
    if width != len(description.labels):
        raise UsageError(
            f"{weights.name} has {width} outputs but {len(description.labels)} labels were given "
            f"({', '.join(description.labels)}): name one label for each output with --labels."
        )
    return Network(model, input_shape, description, hashlib.sha256(weights.read_bytes()).hexdigest())


def _load_model(weights: Path) -> Any:
    try:
        return keras.models.load_model(weights, compile=False)
    except Exception as error:  # Keras raises whatever its readers of zip, HDF5 and JSON happen to raise.
        raise InputError(
            f"{weights} could not be read as a Keras network of stock layers ({_first_sentence(error)}): "
            "save it with model.save('NAME.keras') from Keras 3."
        ) from error


def _compute_in_fp32(model: Any) -> None:
    """Undo mixed precision, which keeps FP32 weights but would put casts around every layer of the graph."""
    for layer in model.layers:
        layer.dtype_policy = "float32"
        if isinstance(layer, keras.Model):
            _compute_in_fp32(layer)


def _first_sentence(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].split(". ")[0].removesuffix(".") if lines else type(error).__name__


def _input_shape(model: Any, weights: Path) -> tuple[int, int, int]:
    shapes = [tuple(tensor.shape) for tensor in getattr(model, "inputs", None) or []]
    if len(shapes) == 1 and len(shapes[0]) == 4 and None not in shapes[0][1:]:
        height, width, channels = shapes[0][1:]
        if min(height, width) >= 8 and channels in (1, 3):
            return height, width, channels
    raise InputError(
        f"{weights.name} takes {_shapes(shapes)}, expected one input [batch, height, width, 1 or 3]: "
        "only image classifiers with channels last and a fixed size can be exported."
    )


def _output_width(model: Any, weights: Path) -> int:
    shapes = [tuple(tensor.shape) for tensor in model.outputs]
    if len(shapes) == 1 and len(shapes[0]) == 2 and shapes[0][1] is not None:
        return int(shapes[0][1])
    raise InputError(
        f"{weights.name} gives {_shapes(shapes)}, expected one output [batch, classes]: "
        "cut the network down to its classifier before export."
    )


def _shapes(shapes: list[tuple[int | None, ...]]) -> str:
    return (
        " and ".join(str(["batch" if size is None else size for size in shape]) for shape in shapes)
        or "nothing"
    )


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unusable(path, "a JSON object", "text that is none") from error
    if not isinstance(record, dict):
        raise _unusable(path, "a JSON object", type(record).__name__)
    return record


def _recorded_labels(record: Mapping[str, Any], path: Path) -> tuple[str, ...] | None:
    labels = record.get("labels")
    if labels is None:
        return None
    if not isinstance(labels, list) or not all(isinstance(name, str) for name in labels):
        raise _unusable(path, "a list of names as `labels`", repr(labels))
    return tuple(labels)


def _recorded_range(record: Mapping[str, Any], path: Path) -> tuple[float, float] | None:
    if "input" not in record:
        return None
    try:
        low, high = record["input"]["range"]
        return float(low), float(high)
    except (KeyError, TypeError, ValueError) as error:
        raise _unusable(path, "`input` with a `range` of two numbers", repr(record["input"])) from error


def _recorded_temperature(record: Mapping[str, Any], path: Path) -> float:
    temperature = record.get("temperature", 1.0)
    if (
        not isinstance(temperature, int | float)
        or isinstance(temperature, bool)
        or not 0 < temperature < float("inf")
    ):
        raise _unusable(path, "a positive number as `temperature`", repr(temperature))
    return float(temperature)


def _unusable(path: Path, expected: str, found: str) -> InputError:
    return InputError(
        f"The record {path} cannot be used: expected {expected}, found {found}; train again or mend it."
    )

"""What must be known to serve a network: labels, input range, calibration, origin."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fer_client.errors import InputError, UsageError

OutputKind = Literal["logits", "probabilities"]

MIN_SIDE = 8

PROVENANCE = ("architecture", "data", "recipe", "seed", "epochs", "metrics")
"""Entries of the training record that travel into the ONNX metadata."""


@dataclass(frozen=True)
class Description:
    """What a file of weights does not say about itself.

    `input_range` holds the values that luma 0 and 255 become. `output` is settled by the answers on real crops,
    see `fer_export.answers.output_kind`. `temperature` divides the logits before softmax; it is 1 for a network
    that is served as trained.
    """

    labels: tuple[str, ...]
    input_range: tuple[float, float]
    output: OutputKind = "logits"
    temperature: float = 1.0
    provenance: Mapping[str, Any] = field(default_factory=dict)
    size: tuple[int, int] | None = None
    channels: int | None = None

    def input_shape(
        self, weights: Path, height: int | None, width: int | None, channels: int | None
    ) -> tuple[int, int, int]:
        """(height, width, channels) from the file, in which None is open, and the user's word for what is open.

        Raises UsageError where neither says it, or both and they differ; InputError for what no crop can be.
        """
        stated = (*(self.size or (None, None)), self.channels)
        found = (height, width, channels)
        if any(ours not in (None, its) for ours, its in zip(stated, found, strict=True) if its is not None):
            raise UsageError(
                f"{weights.name} takes {_shape_words(found)}, not {_shape_words(stated)}: mend --size or "
                "--channels, or leave them away where the file says it."
            )
        high, wide, deep = (its or ours for ours, its in zip(stated, found, strict=True))
        if not (high and wide and deep):
            option = "--channels 1 or 3" if high and wide else "--size HEIGHT WIDTH"
            raise UsageError(
                f"{weights.name} takes {_shape_words(found)} and does not say which: give {option}, what it was "
                "trained on."
            )
        if min(high, wide) < MIN_SIDE or deep not in (1, 3):
            raise InputError(
                f"{weights.name} takes {_shape_words((high, wide, deep))}, expected pictures of {MIN_SIDE}x{MIN_SIDE} "
                "or more with 1 or 3 channels: export an image classifier."
            )
        return high, wide, deep


def describe(
    weights: Path,
    labels: tuple[str, ...] | None = None,
    input_range: tuple[float, float] | None = None,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
) -> Description:
    """Take the description from the record `<weights>.json` that training writes; the arguments overrule it.

    Raises UsageError where neither says what is needed, InputError for a missing file or an unusable record.
    """
    if not weights.is_file() and not is_saved_model(weights):
        raise InputError(
            f"There is no file {weights}: name a network, such as NAME.keras, NAME.onnx or the folder of a SavedModel."
        )
    path = weights.with_suffix(".json")
    record = read_record(path) if path.is_file() else {}
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
        temperature=_recorded_temperature(record, path),
        provenance={key: record[key] for key in PROVENANCE if key in record},
        size=size,
        channels=channels,
    )


def is_saved_model(path: Path) -> bool:
    """Whether a folder is what TensorFlow writes as a SavedModel."""
    return (path / "saved_model.pb").is_file()


def _shape_words(shape: tuple[int | None, ...]) -> str:
    height, width, channels = shape
    pixels = "any size" if height is width is None else f"{height or 'any'}x{width or 'any'} pixels"
    return f"pictures of {pixels} with {channels or 'any number of'} channel{'' if channels == 1 else 's'}"


def require_labels(weights: Path, width: int, labels: tuple[str, ...]) -> None:
    """Raise UsageError where a network's number of outputs is not that of the labels."""
    if width != len(labels):
        raise UsageError(
            f"{weights.name} has {width} outputs but {len(labels)} labels were given "
            f"({', '.join(labels)}): name one label for each output with --labels."
        )


def read_record(path: Path) -> dict[str, Any]:
    """Read what training wrote beside the weights; InputError where it is no JSON object."""
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

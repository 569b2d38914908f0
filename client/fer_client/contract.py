"""What the served model `fer` takes and gives. The client checks it at start; export and training build on it.

Imports the standard library and `fer_client.errors` alone, so that every package can read it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fer_client.errors import ContractError

MODEL = "fer"
FACES = "FACES"
EXPRESSION = "EXPRESSION"
VALENCE_AROUSAL = "VALENCE_AROUSAL"

LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""Expression classes in the order of FER2013's label codes 0 to 6."""

FOUR_CATEGORIES = ("angry", "happy", "neutral", "sad")
"""The categories of the original system; accuracy over them is the argmax over these four alone."""

CROP_SIDE = 96
"""Side of the square luma crop in pixels: twice FER2013's 48, so the server's 2x2 mean is an exact reduction."""


@dataclass(frozen=True)
class Contract:
    """What one server's model takes and gives.

    `crop_shape` is (height, width, channels) of one UINT8 face crop; channels 1 is luma, 3 is RGB. `labels` name the
    columns of EXPRESSION. `max_batch_size` is in crops. `version` is the number of the model's version that serves;
    `network` is the SHA-256 of its weights, empty where the configuration does not state it. `affect_statement` says
    where valence and arousal come from, empty where they are not served or the configuration does not say.
    """

    crop_shape: tuple[int, int, int]
    labels: tuple[str, ...]
    max_batch_size: int
    has_valence_arousal: bool
    version: str
    network: str = ""
    affect_statement: str = ""

    def is_same_network(self, other: "Contract") -> bool:
        """Whether both serve the same: a network that is known by its weights may have any number as its version."""
        return self == (replace(other, version=self.version) if other.network else other)


def read_contract(metadata: Mapping[str, Any], config: Mapping[str, Any]) -> Contract:
    """Check Triton's ModelMetadata and ModelConfig of `fer`, both as JSON mappings, against the contract.

    Raises ContractError that names the expected and the served tensor, shape or labels.
    """
    inputs = {tensor["name"]: tensor for tensor in metadata.get("inputs", [])}
    outputs = {tensor["name"]: tensor for tensor in metadata.get("outputs", [])}
    if set(inputs) != {FACES}:
        raise _mismatch(f"the single input {FACES}", f"inputs {_names(inputs)}")
    if EXPRESSION not in outputs:
        raise _mismatch(f"an output {EXPRESSION}", f"outputs {_names(outputs)}")
    crop_shape = _crop_shape(inputs[FACES])
    labels = _labels(config)
    _check_output(outputs[EXPRESSION], len(labels), "the number of labels")
    if VALENCE_AROUSAL in outputs:
        _check_output(outputs[VALENCE_AROUSAL], 2, "valence and arousal")
    max_batch_size = int(config.get("max_batch_size", 0))
    if max_batch_size < 1:
        raise _mismatch("max_batch_size of at least 1", f"max_batch_size {max_batch_size}")
    return Contract(
        crop_shape=crop_shape,
        labels=labels,
        max_batch_size=max_batch_size,
        has_valence_arousal=VALENCE_AROUSAL in outputs,
        version=max(metadata.get("versions", ["1"]), key=int),
        network=_parameter(config, "weights_sha256"),
        affect_statement=_parameter(config, "valence_arousal") if VALENCE_AROUSAL in outputs else "",
    )


def _parameter(config: Mapping[str, Any], name: str) -> str:
    """Read one of the configuration's parameters, empty where it is not there."""
    return str(config.get("parameters", {}).get(name, {}).get("string_value", ""))


def _crop_shape(tensor: Mapping[str, Any]) -> tuple[int, int, int]:
    shape = _shape(tensor)
    fits = len(shape) == 4 and min(shape[1:3]) >= 8 and shape[3] in (1, 3)
    if tensor["datatype"] != "UINT8" or not fits:
        raise _mismatch(f"{FACES} as UINT8 [batch, height, width, 1 or 3]", _describe(tensor))
    return shape[1], shape[2], shape[3]


def _labels(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Read the parameter `labels`, a JSON list of names in the order of the columns of EXPRESSION."""
    text = _parameter(config, "labels")
    try:
        labels = json.loads(text)
    except ValueError:
        labels = None
    well_formed = (
        isinstance(labels, list) and len(labels) >= 2 and all(isinstance(name, str) for name in labels)
    )
    if not well_formed or len(set(labels)) != len(labels):
        raise _mismatch("a parameter `labels` with a JSON list of distinct names", f"{text!r}")
    return tuple(labels)


def _check_output(tensor: Mapping[str, Any], width: int, meaning: str) -> None:
    shape = _shape(tensor)
    if tensor["datatype"] != "FP32" or len(shape) != 2 or shape[1] != width:
        raise _mismatch(f"{tensor['name']} as FP32 [batch, {width}] ({meaning})", _describe(tensor))


def _shape(tensor: Mapping[str, Any]) -> list[int]:
    """Dimensions as integers; Triton's JSON writes 64-bit integers as strings."""
    return [int(size) for size in tensor.get("shape", [])]


def _describe(tensor: Mapping[str, Any]) -> str:
    return f"{tensor['name']} as {tensor['datatype']} {_shape(tensor)}"


def _names(tensors: Mapping[str, Any]) -> str:
    return ", ".join(sorted(tensors)) or "none"


def _mismatch(expected: str, served: str) -> ContractError:
    return ContractError(
        f"The server's model '{MODEL}' does not fit this client: expected {expected}, served {served}. "
        "Serve the model_repository of the same release, or one that fer-export wrote."
    )


def four_category_columns(labels: Sequence[str]) -> list[int]:
    """Columns of EXPRESSION that hold the original system's four categories, in the order of FOUR_CATEGORIES."""
    return [labels.index(name) for name in FOUR_CATEGORIES]

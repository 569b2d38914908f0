"""Valence and arousal beside the expressions: what `fer-train run … --target valence_arousal` leaves, as it is served.

A file on the features or the probabilities of the network that tells expressions becomes part of its graph, so that the
network is computed once. One that reads pictures is a model of its own in the ensemble.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from fer_client.contract import VALENCE_AROUSAL
from fer_client.errors import InputError, UsageError
from fer_export.description import read_record
from fer_export.graphs import TensorSpec, convert
from fer_export.network import Network, load_model
from fer_export.preprocessing import Float32Array
from fer_export.repository import NETWORK_INPUT

PICTURES, FEATURES, PROBABILITIES = READS = ("pictures", "features", "probabilities")
"""What a file may read: the network's input, what its layer `logits` reads, or its calibrated answer."""

TARGET = "valence_arousal"
"""The record's word for what such a file tells."""


@dataclass(frozen=True)
class Affect:
    """A Keras model that gives valence and arousal [N, 2]; `reads` is one of READS.

    `statement` says where its numbers come from, in a sentence for whoever reads them.
    """

    model: Any
    reads: str
    statement: str
    weights_sha256: str

    def answers(self, network: Any, network_input: Float32Array) -> Float32Array:
        """Keras's own valence and arousal FP32 [N, 2] in [-1, 1] for the input of `network`, [N, *input_shape]."""
        if self.reads == PICTURES:
            taken = network_input
        else:
            features, probabilities = network.parts(network_input)
            taken = features if self.reads == FEATURES else probabilities
        return np.clip(np.asarray(self.model(taken, training=False), np.float32), -1, 1)

    @property
    def is_own(self) -> bool:
        """Whether it is a model of its own, and not part of the network's graph."""
        return self.reads == PICTURES

    def own_graph(self, input_shape: tuple[int, int, int]) -> onnx.ModelProto:
        """The model `valence_arousal` in ONNX, for a file that reads pictures."""
        return convert(
            lambda pictures: _cut_off(self.model(pictures, training=False)),
            TensorSpec(NETWORK_INPUT, onnx.TensorProto.FLOAT, input_shape),
            [SERVED],
        )

    def behind(self, features: Any, probabilities: Any) -> Any:
        """The same as TensorFlow's operations, from what the network gives: [N, F] and [N, K]."""
        return _cut_off(self.model(features if self.reads == FEATURES else probabilities, training=False))

    def metadata(self) -> dict[str, str]:
        """What the ONNX file that computes it says of it."""
        return {"valence_arousal": self.statement, "valence_arousal_sha256": self.weights_sha256}


SERVED = TensorSpec(VALENCE_AROUSAL, onnx.TensorProto.FLOAT, (2,))


def _cut_off(values: Any) -> Any:
    import tensorflow as tf

    return tf.clip_by_value(tf.cast(values, tf.float32), -1.0, 1.0)


def load_affect(weights: Path, network: Any) -> Affect:
    """Read a file of valence and arousal that fits a network.

    Raises InputError where it cannot be read, tells something else or belongs to another network, UsageError where
    only a Keras network can stand before it.
    """
    if not weights.is_file():
        raise InputError(f"There is no file {weights}: name one of `fer-train run … --target {TARGET}`.")
    path = weights.with_suffix(".json")
    record = read_record(path) if path.is_file() else {}
    reads = record.get("reads")
    if record.get("target") != TARGET or reads not in READS:
        raise InputError(
            f"{weights.name} has no record of a network that tells valence and arousal beside it: make it with "
            f"`fer-train run … --target {TARGET}`."
        )
    model = load_model(weights, False)
    if reads == PICTURES:
        _require_input(weights, model, record, network)
    else:
        _require_trunk(weights, record, network)
    checksum = hashlib.sha256(weights.read_bytes()).hexdigest()
    return Affect(model, reads, str(record.get("statement", "")), checksum)


def _require_trunk(weights: Path, record: dict[str, Any], network: Any) -> None:
    if not isinstance(network, Network):
        raise UsageError(
            f"{weights.name} stands behind a Keras network, and an ONNX file was given: export the .keras file."
        )
    if record.get("trunk") != network.weights_sha256:
        raise InputError(
            f"{weights.name} belongs to another network (SHA-256 {str(record.get('trunk'))[:12]}…, given "
            f"{network.weights_sha256[:12]}…): make it anew with `fer-train run … --trunk`."
        )


def _require_input(weights: Path, model: Any, record: dict[str, Any], network: Any) -> None:
    """Both networks get what one step of preprocessing makes of the crops."""
    shape, asked = tuple(model.inputs[0].shape[1:]), network.input_shape
    given = tuple(record.get("input", {}).get("range", ()))
    if shape != asked or given != network.description.input_range:
        raise InputError(
            f"{weights.name} reads {list(shape)} in {list(given)}, the network {list(asked)} in "
            f"{list(network.description.input_range)}: export two networks that read the same."
        )

"""The gate before anything is written: the graphs to be served must answer as the network itself does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from fer_client.contract import EXPRESSION, FACES
from fer_client.errors import FerError
from fer_export.crops import UInt8Array
from fer_export.preprocessing import Float32Array, preprocess
from fer_export.repository import NETWORK_INPUT
from fer_export.sessions import open_session

if TYPE_CHECKING:
    from fer_export.network import Network
    from fer_export.onnx_network import OnnxNetwork

TOLERANCE = 1e-4
"""Largest difference of a served probability, whatever the range of the network's input."""


class ParityError(FerError):
    """The exported graphs answer differently from the network; nothing was written."""

    exit_code = 5


@dataclass(frozen=True)
class Difference:
    """The largest absolute difference between two probabilities, and where it is."""

    size: float
    crop: int
    label: int
    expected: float
    served: float


def own_outputs(network: "Network | OnnxNetwork", faces: UInt8Array) -> Float32Array:
    """What the network itself gives, FP32 [N, K], for UINT8 [N, H, W, C] crops; NumPy does the preprocessing."""
    input_range = network.description.input_range
    inputs = (preprocess(batch, network.input_shape, input_range) for batch in _batches(faces))
    return np.concatenate([network.outputs(batch) for batch in inputs])


def served_answers(preprocess_onnx: bytes, expression_onnx: bytes, faces: UInt8Array) -> Float32Array:
    """EXPRESSION FP32 [N, K] for UINT8 [N, H, W, C] crops, computed by ONNX Runtime in batches of several sizes.

    Raises ParityError where the network takes no batch of some size.
    """
    first, second = open_session(preprocess_onnx), open_session(expression_onnx)
    inputs = (first.run([NETWORK_INPUT], {FACES: batch})[0] for batch in _batches(faces))
    try:
        return np.concatenate([second.run([EXPRESSION], {NETWORK_INPUT: batch})[0] for batch in inputs])
    except Exception as error:  # ONNX Runtime's errors have no common base
        raise ParityError(
            "Nothing was written, because the exported network fails on a batch of crops "
            f"({str(error).splitlines()[0]}): where its file has a fixed batch, save it with one of any size."
        ) from error


def _batches(faces: UInt8Array) -> Iterator[UInt8Array]:
    """Batches of 1, 3, then 64, so that a graph with a fixed batch cannot pass."""
    edges = [0, 1, 4, *range(68, len(faces), 64), len(faces)]
    for start, end in pairwise(edges):
        if start < min(end, len(faces)):
            yield faces[start:end]


def largest_difference(expected: Float32Array, served: Float32Array) -> Difference:
    """The largest difference of probabilities [N, K]; an answer that is not a number differs without limit."""
    distance = np.abs(expected - served)
    distance[~np.isfinite(distance)] = np.inf
    crop, label = (int(index) for index in np.unravel_index(distance.argmax(), distance.shape))
    place = (crop, label)
    return Difference(float(distance[place]), crop, label, float(expected[place]), float(served[place]))


def require_parity(
    expected: Float32Array, served: Float32Array, names: Sequence[str], labels: Sequence[str]
) -> Difference:
    """The largest difference on crops of these names; raises ParityError, naming it, where it passes TOLERANCE."""
    difference = largest_difference(expected, served)
    if difference.size > TOLERANCE:
        raise ParityError(_refusal(difference, names, labels))
    return difference


def _refusal(difference: Difference, names: Sequence[str], labels: Sequence[str]) -> str:
    return (
        f"Nothing was written, because the exported network differs from its source by {difference.size:.3g}, more "
        f"than {TOLERANCE:g}: '{labels[difference.label]}' of crop {names[difference.crop]} is "
        f"{difference.served:.6g}, not {difference.expected:.6g}; try other versions of tf2onnx and onnxruntime, "
        "and report the network."
    )

"""The gate before anything is written: the graphs to be served must answer as the network itself does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_client.contract import FACES
from fer_client.errors import FerError
from fer_export.crops import UInt8Array
from fer_export.preprocessing import Float32Array, preprocess
from fer_export.repository import NETWORK_INPUT, PREPROCESS_MODEL
from fer_export.sessions import open_session

if TYPE_CHECKING:
    from fer_export.affect import Affect
    from fer_export.network import Network
    from fer_export.onnx_network import OnnxNetwork

TOLERANCE = 1e-4
"""Largest difference of a served probability, or of valence or arousal, whatever the range of the network's input."""


class ParityError(FerError):
    """The exported graphs answer differently from the network; nothing was written."""

    exit_code = 5


@dataclass(frozen=True)
class Difference:
    """The largest absolute difference between two answers, and where it is; `label` is its column."""

    size: float
    crop: int
    label: int
    expected: float
    served: float


def own_outputs(network: "Network | OnnxNetwork", faces: UInt8Array) -> Float32Array:
    """What the network itself gives, FP32 [N, K], for UINT8 [N, H, W, C] crops; NumPy does the preprocessing."""
    return np.concatenate([network.outputs(batch) for batch in _inputs(network, faces)])


def own_affect(affect: "Affect", network: "Network | OnnxNetwork", faces: UInt8Array) -> Float32Array:
    """The same for valence and arousal, FP32 [N, 2]."""
    return np.concatenate([affect.answers(network, batch) for batch in _inputs(network, faces)])


def _inputs(network: "Network | OnnxNetwork", faces: UInt8Array) -> Iterator[Float32Array]:
    for batch in _batches(faces):
        yield preprocess(batch, network.input_shape, network.description.input_range)


def served_answers(files: Mapping[str, bytes], faces: UInt8Array) -> dict[str, Float32Array]:
    """Every output by its name, FP32 [N, …], of the networks behind `face_preprocess`, for UINT8 [N, H, W, C] crops.

    `files` are the ONNX files by model. ONNX Runtime computes them in batches of several sizes. Raises ParityError
    where a network takes no batch of some size.
    """
    first = open_session(files[PREPROCESS_MODEL])
    inputs = [first.run([NETWORK_INPUT], {FACES: batch})[0] for batch in _batches(faces)]
    answers: dict[str, Float32Array] = {}
    for name in files.keys() - {PREPROCESS_MODEL}:
        answers |= _answers(open_session(files[name]), inputs)
    return answers


def _answers(session: Any, inputs: Sequence[Float32Array]) -> dict[str, Float32Array]:
    names = [output.name for output in session.get_outputs()]
    try:
        parts = [session.run(names, {NETWORK_INPUT: batch}) for batch in inputs]
        return {
            name: np.concatenate(part) for name, part in zip(names, zip(*parts, strict=True), strict=True)
        }
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
    """The largest difference of answers [N, K]; an answer that is not a number differs without limit."""
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

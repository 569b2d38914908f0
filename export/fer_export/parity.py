"""The gate before anything is written: the graphs to be served must answer as the Keras network does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from fer_client.contract import EXPRESSION, FACES
from fer_client.errors import FerError, UsageError
from fer_export.crops import Crops, UInt8Array
from fer_export.graphs import probabilities
from fer_export.network import Network
from fer_export.preprocessing import preprocess
from fer_export.repository import NETWORK_INPUT
from fer_export.sessions import open_session

TOLERANCE = 1e-4

Float32Array: TypeAlias = npt.NDArray[np.float32]
Tensors: TypeAlias = dict[str, Float32Array]


class ParityError(FerError):
    """The ONNX graphs answer differently from the Keras network; nothing was written."""

    exit_code = 5


@dataclass(frozen=True)
class Difference:
    """The largest absolute difference between two answers, and where it is.

    In a tensor with values beyond 1, as an input range of 0 to 255 brings, the difference is relative to the largest.
    """

    size: float
    tensor: str
    crop: int
    position: tuple[int, ...]
    keras: float
    onnx: float


def keras_answers(network: Network, faces: UInt8Array) -> Tensors:
    """NETWORK_INPUT and EXPRESSION of UINT8 [N, H, W, C] crops, computed by TensorFlow and Keras.

    Raises UsageError where the network's output is not of the kind that its description says.
    """
    inputs, outputs = [], []
    for batch in _batches(faces):
        network_input = preprocess(tf.constant(batch), network.input_shape, network.description.input_range)
        inputs.append(network_input.numpy())
        outputs.append(network.model(network_input, training=False).numpy())
    _check_output_kind(np.concatenate(outputs), network)
    answers = [probabilities(network, network_input).numpy() for network_input in inputs]
    return {NETWORK_INPUT: np.concatenate(inputs), EXPRESSION: np.concatenate(answers)}


def _check_output_kind(outputs: Float32Array, network: Network) -> None:
    sums_to_one = bool(np.all(outputs >= 0) and np.allclose(outputs.sum(axis=1), 1, atol=1e-3))
    if not np.all(np.isfinite(outputs)):
        raise UsageError(
            "The network's output is not finite on real crops: train again, or check --input-range."
        )
    if sums_to_one and network.description.output == "logits":
        raise UsageError(
            "The network's outputs already sum to 1: it ends in softmax, so give --output probabilities."
        )
    if not sums_to_one and network.description.output == "probabilities":
        raise UsageError("The network's outputs do not sum to 1: they are logits, so give --output logits.")


def onnx_answers(preprocess_onnx: bytes, expression_onnx: bytes, faces: UInt8Array) -> Tensors:
    """The same tensors, computed by ONNX Runtime in batches of several sizes."""
    first, second = open_session(preprocess_onnx), open_session(expression_onnx)
    inputs = [first.run([NETWORK_INPUT], {FACES: batch})[0] for batch in _batches(faces)]
    answers = [second.run([EXPRESSION], {NETWORK_INPUT: batch})[0] for batch in inputs]
    return {NETWORK_INPUT: np.concatenate(inputs), EXPRESSION: np.concatenate(answers)}


def _batches(faces: UInt8Array) -> Iterator[UInt8Array]:
    """Batches of 1, 3, then 64, so that a graph with a fixed batch cannot pass."""
    edges = [0, 1, 4, *range(68, len(faces), 64), len(faces)]
    for start, end in pairwise(edges):
        if start < min(end, len(faces)):
            yield faces[start:end]


def largest_difference(keras: Mapping[str, Float32Array], onnx: Mapping[str, Float32Array]) -> Difference:
    """The largest difference over all tensors; an answer that is not a number differs without limit."""
    differences = []
    for tensor, expected in keras.items():
        distance = np.abs(expected - onnx[tensor]) / max(1, np.abs(expected).max())
        distance[~np.isfinite(distance)] = np.inf
        crop, *position = (int(index) for index in np.unravel_index(distance.argmax(), distance.shape))
        place = (crop, *position)
        differences.append(
            Difference(
                float(distance[place]),
                tensor,
                crop,
                tuple(position),
                float(expected[place]),
                float(onnx[tensor][place]),
            )
        )
    return max(differences, key=lambda difference: difference.size)


def require_parity(
    network: Network, preprocess_onnx: bytes, expression_onnx: bytes, crops: Crops
) -> Difference:
    """The largest difference on the crops; raises ParityError, naming it, where it passes TOLERANCE."""
    expected = keras_answers(network, crops.pixels)
    difference = largest_difference(expected, onnx_answers(preprocess_onnx, expression_onnx, crops.pixels))
    if difference.size > TOLERANCE:
        raise ParityError(_refusal(difference, crops.names, network.description.labels))
    return difference


def _refusal(difference: Difference, names: Sequence[str], labels: Sequence[str]) -> str:
    place = f"at {list(difference.position)}"
    if difference.tensor == EXPRESSION:
        place = f"for '{labels[difference.position[0]]}'"
    return (
        f"Nothing was written, because ONNX and Keras differ by {difference.size:.3g}, more than {TOLERANCE:g}: "
        f"{difference.tensor} {place} of crop {names[difference.crop]} is {difference.keras:.6g} in Keras and "
        f"{difference.onnx:.6g} in ONNX; try other versions of tf2onnx and onnxruntime, and report the network."
    )

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
from fer_export.targets import Precision

if TYPE_CHECKING:
    from fer_export.affect import Affect
    from fer_export.network import Network
    from fer_export.onnx_network import OnnxNetwork

TOLERANCES: Mapping[Precision, float] = {"fp32": 1e-4, "fp16": 1e-2, "int8": 0.25}
"""Largest absolute difference of a served probability, or of valence or arousal, whatever the range of the input.

INT8 moves single answers that far (0.12 at most on 3,589 crops); how often its answers are right is measured beside.
"""

ADVICE = "try other versions of tf2onnx and onnxruntime, and report the network"


class ParityError(FerError):
    """The exported graphs answer differently from the network; nothing was written."""

    exit_code = 5


@dataclass(frozen=True)
class Difference:
    """The largest absolute difference between two answers, and where it is; `label` is its column.

    `mean` is over all answers, `agreement` the share of crops with the same likeliest column.
    """

    size: float
    crop: int
    label: int
    expected: float
    served: float
    mean: float
    agreement: float


def own_outputs(network: "Network | OnnxNetwork", faces: UInt8Array) -> Float32Array:
    """What the network itself gives, FP32 [N, K], for UINT8 [N, H, W, C] crops; NumPy does the preprocessing."""
    return np.concatenate([network.outputs(batch) for batch in _inputs(network, faces)])


def own_affect(affect: "Affect", network: "Network | OnnxNetwork", faces: UInt8Array) -> Float32Array:
    """The same for valence and arousal, FP32 [N, 2]."""
    return np.concatenate([affect.answers(network, batch) for batch in _inputs(network, faces)])


def _inputs(network: "Network | OnnxNetwork", faces: UInt8Array) -> Iterator[Float32Array]:
    for batch in _batches(faces):
        yield preprocess(batch, network.input_shape, network.description.input_range)


def served_inputs(files: Mapping[str, bytes], faces: UInt8Array) -> list[Float32Array]:
    """What `face_preprocess` makes of UINT8 [N, H, W, C] crops, in batches of several sizes."""
    first = open_session(files[PREPROCESS_MODEL])
    return [first.run([NETWORK_INPUT], {FACES: batch})[0] for batch in _batches(faces)]


def served_answers(files: Mapping[str, bytes], inputs: Sequence[Float32Array]) -> dict[str, Float32Array]:
    """Every output by its name, FP32 [N, …], of the networks behind `face_preprocess`, for batches of its output.

    `files` are the ONNX files by model; ONNX Runtime computes them. Raises ParityError where a network takes no batch
    of some size.
    """
    answers: dict[str, Float32Array] = {}
    for name in files.keys() - {PREPROCESS_MODEL}:
        answers |= session_answers(open_session(files[name]), inputs)
    return answers


def session_answers(session: Any, inputs: Sequence[Float32Array]) -> dict[str, Float32Array]:
    """Every output of a session of ONNX Runtime by its name, for batches of NETWORK_INPUT."""
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


def compare(expected: Float32Array, served: Float32Array) -> Difference:
    """How answers [N, K] differ; one that is not a number differs without limit."""
    distance = np.abs(expected - served)
    distance[~np.isfinite(distance)] = np.inf
    crop, label = (int(index) for index in np.unravel_index(distance.argmax(), distance.shape))
    place = (crop, label)
    return Difference(
        float(distance[place]),
        crop,
        label,
        float(expected[place]),
        float(served[place]),
        float(distance.mean()),
        float((expected.argmax(axis=1) == served.argmax(axis=1)).mean()),
    )


def require_parity(
    expected: Float32Array,
    served: Float32Array,
    names: Sequence[str],
    labels: Sequence[str],
    precision: Precision = "fp32",
    advice: str = ADVICE,
) -> Difference:
    """How answers differ on crops of these names; raises ParityError, naming the worst, where it is too much.

    What is too much is absolute and the precision's, see TOLERANCES. `advice` says what to do about it.
    """
    difference = compare(expected, served)
    if difference.size > TOLERANCES[precision]:
        raise ParityError(
            f"Nothing was written, because the exported network differs from its source by {difference.size:.3g}, more "
            f"than {TOLERANCES[precision]:g}: '{labels[difference.label]}' of crop {names[difference.crop]} is "
            f"{difference.served:.6g}, not {difference.expected:.6g}; {advice}."
        )
    return difference


@dataclass(frozen=True)
class Gate:
    """What every target must answer: the network's own FP32 [N, …] by the output's name, and the names of columns."""

    expected: Mapping[str, Float32Array]
    columns: Mapping[str, Sequence[str]]
    crops: Sequence[str]

    def require(
        self, answers: Mapping[str, Float32Array], precision: Precision = "fp32", advice: str = ADVICE
    ) -> dict[str, Difference]:
        """The differences by output; raises ParityError where one is more than the precision allows."""
        return {
            name: require_parity(own, answers[name], self.crops, self.columns[name], precision, advice)
            for name, own in self.expected.items()
        }

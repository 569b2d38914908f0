"""How often a graph's answers are right, on a folder that `fer-train prepare` wrote; and its crops for calibration."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fer_client.contract import EXPRESSION
from fer_client.errors import InputError
from fer_export.parity import session_answers
from fer_export.preprocessing import Float32Array, preprocess
from fer_export.sessions import open_session
from fer_training.data.dataset import VOTES_OF_LABEL, Dataset, load_dataset, majority_classes, rows_of

if TYPE_CHECKING:
    from fer_export.network import Network
    from fer_export.onnx_network import OnnxNetwork

CALIBRATED_ON, JUDGED_ON = "Training", "PublicTest"
"""Splits; the third stays untouched."""

CALIBRATION_IMAGES = 512
MAX_LOSS = 0.003
"""What a smaller precision may cost: 0.3 points, by the voters where the data has votes, else by the labels."""

_BATCH = 32


@dataclass(frozen=True)
class Accuracy:
    """Shares of right answers in [0, 1]: by single people's labels, and by the class that most voters chose.

    `voters` is over the `voted` images where more than half agree; None for data without votes.
    """

    images: int
    labels: float
    voted: int = 0
    voters: float | None = None

    @property
    def decisive(self) -> float:
        """The one that a loss is measured by."""
        return self.labels if self.voters is None else self.voters

    def as_record(self) -> dict[str, Any]:
        """Plain values, rounded to four digits."""
        return {
            key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(self).items()
        }


def load_data(folder: Path, labels: tuple[str, ...]) -> Dataset:
    """Open prepared data of the network's classes; InputError where it cannot be read or has other ones."""
    dataset = load_dataset(folder)
    if dataset.label_names != labels:
        raise InputError(
            f"{folder} has the labels {', '.join(dataset.label_names)}, the network {', '.join(labels)}: name data of "
            "the network's own classes, in their order."
        )
    return dataset


def calibration_inputs(dataset: Dataset, network: "Network | OnnxNetwork") -> Iterator[Float32Array]:
    """The network's input for CALIBRATION_IMAGES crops, evenly chosen from those that it could learn from."""
    rows = rows_of(dataset, CALIBRATED_ON)
    chosen = rows[np.linspace(0, len(rows) - 1, min(len(rows), CALIBRATION_IMAGES)).astype(int)]
    return _inputs(dataset, chosen, network)


def measure(graph: bytes, dataset: Dataset, network: "Network | OnnxNetwork") -> Accuracy:
    """Judge the graph that is served as `expression` for a network, by ONNX Runtime on this processor."""
    rows = rows_of(dataset, JUDGED_ON)
    answers = session_answers(open_session(graph), list(_inputs(dataset, rows, network)))[EXPRESSION]
    chosen = answers.argmax(axis=1)
    accuracy = Accuracy(len(rows), float((chosen == dataset.labels[rows]).mean()))
    if dataset.votes is None or not set(dataset.label_names) <= VOTES_OF_LABEL.keys():
        return accuracy
    majority = majority_classes(np.asarray(dataset.votes[rows]), dataset.label_names)
    voted = majority >= 0
    if not voted.any():
        return accuracy
    right = float((chosen == majority)[voted].mean())
    return Accuracy(accuracy.images, accuracy.labels, int(voted.sum()), right)


def _inputs(
    dataset: Dataset, rows: NDArray[np.intp], network: "Network | OnnxNetwork"
) -> Iterator[Float32Array]:
    for start in range(0, len(rows), _BATCH):
        luma = np.asarray(dataset.images[rows[start : start + _BATCH]])[..., None]
        crops = np.repeat(luma, network.input_shape[2], axis=3)
        yield preprocess(crops, network.input_shape, network.description.input_range)

"""Analysed frames that tests make up, so that results can be worked out by hand."""

from collections.abc import Sequence

import numpy as np

from fer_client.batching import SeenFrame
from fer_client.inference import Predictions

Answered = tuple[SeenFrame, list[int], Predictions]


def answered(time_s: float, faces: dict[int, Sequence[float]], affect: bool = False) -> Answered:
    """A frame with the probabilities of each face, by track; valence and arousal are the first two of them."""
    rows = np.array(list(faces.values()), np.float32) if faces else np.empty((0, 2), np.float32)
    seen = SeenFrame(
        round(time_s * 1000),
        time_s,
        np.zeros((len(faces), 4), np.int32),
        np.ones(len(faces), np.float32),
        np.zeros((len(faces), 8, 8, 1), np.uint8),
    )
    return seen, list(faces), Predictions(rows, rows[:, :2] if affect else None)

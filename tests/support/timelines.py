"""Analysed frames that tests make up, so that results can be worked out by hand."""

from collections.abc import Sequence

import numpy as np

from fer_client.inference.client import Predictions
from fer_client.temporal.frame import AnalysedFrame


def answered(time_s: float, faces: dict[int, Sequence[float]], affect: bool = False) -> AnalysedFrame:
    """A frame with the probabilities of each face, by track; valence and arousal are the first two of them."""
    rows = np.array(list(faces.values()), np.float32) if faces else np.empty((0, 2), np.float32)
    predictions = Predictions(rows, rows[:, :2] if affect else None)
    return AnalysedFrame(
        round(time_s * 1000),
        time_s,
        np.zeros((len(faces), 4), np.int32),
        np.ones(len(faces), np.float32),
        list(faces),
        predictions,
        predictions,
    )


def steps(values: list[float], interval_s: float = 0.1) -> list[AnalysedFrame]:
    """Frames with one face whose second probability takes these values."""
    return [answered(index * interval_s, {1: [1 - value, value]}) for index, value in enumerate(values)]

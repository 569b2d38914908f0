"""One analysed frame, from the server's answer on: each later stage fills in what it finds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fer_client.faces.alignment import FaceCrops
from fer_client.inference.client import Predictions


@dataclass(frozen=True, slots=True)
class AnalysedFrame:
    """What is known of a frame and its N faces, from left to right.

    `index` counts all decoded frames from 0, `time_s` is the presentation time. `boxes_xywh`: int32 [N, 4] in square
    pixels of the upright frame. `scores`: float32 [N], NaN where the detector gives none or did not look. `tracks`: the
    number of each face, None in photographs. `predictions` are the server's, `smoothed` the same averaged over time.
    `duration_s`: seconds until the next analysed frame, 0 for a photograph. `tracklets`: the
    number of each face's tracklet, the part of its track without a gap; unique within the video. `is_backwards`: its
    time lies before its predecessor's.
    """

    index: int
    time_s: float
    boxes_xywh: NDArray[np.int32]
    scores: NDArray[np.float32]
    tracks: Sequence[int | None]
    predictions: Predictions
    smoothed: Predictions
    duration_s: float = 0.0
    tracklets: Sequence[int] = ()
    is_backwards: bool = False


def followed(faces: FaceCrops, tracks: Sequence[int | None], predictions: Predictions) -> AnalysedFrame:
    """Begin with the faces of a video that have a track; those without one do not count."""
    if None not in tracks:
        return analysed(faces, tracks, predictions)
    kept = [face for face, track in enumerate(tracks) if track is not None]
    affect = predictions.valence_arousal
    chosen = Predictions(predictions.expression[kept], None if affect is None else affect[kept])
    left = replace(
        faces, boxes_xywh=faces.boxes_xywh[kept], scores=faces.scores[kept], crops=faces.crops[kept]
    )
    return analysed(left, [tracks[face] for face in kept], chosen)


def analysed(faces: FaceCrops, tracks: Sequence[int | None], predictions: Predictions) -> AnalysedFrame:
    """Begin with what was found, who it is and what the server says; the crops are let go.

    Frames wait long for what is averaged over time.
    """
    return AnalysedFrame(
        faces.index, faces.time_s, faces.boxes_xywh, faces.scores, tracks, predictions, smoothed=predictions
    )

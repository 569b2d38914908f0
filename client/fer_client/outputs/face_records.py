"""The records of the table `faces`; every format is written from them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from fer_client.inference.client import Predictions
from fer_client.outputs.tables import Value
from fer_client.printable import printable
from fer_client.temporal.frame import AnalysedFrame

_DECIMALS = 6
_FACE = ("track", "x", "y", "w", "h", "detection_score", "expression", "confidence")


@dataclass(frozen=True, slots=True)
class FaceRecord:
    """One face in one analysed frame, or a frame without a face, where all but three fields are None.

    `frame` counts all decoded frames from 0, or the photographs of a folder. `time_s` is the presentation
    time in seconds as the file states it, 0 for a photograph. `track` numbers the faces of a video from 1,
    None in photographs. `x`, `y`, `w`, `h`: box in square pixels of the upright frame, may reach over its edge.
    `detection_score`: in [0, 1], None where the detector gives none. `expression` and `confidence`: the
    label of the largest of `probabilities`, which sum to 1, and that probability. `valence` and `arousal`:
    in [-1, 1], None where the server has no such network. What starts with `smooth_` is the same, averaged
    over `--smooth` seconds of this face. `source` names the input: a file, without its folder. `wall_time`: when
    the frame of a live stream came, by the clock in UTC (ISO 8601), None for other inputs.
    """

    frame: int
    time_s: float
    source: str
    track: int | None = None
    x: int | None = None
    y: int | None = None
    w: int | None = None
    h: int | None = None
    detection_score: float | None = None
    expression: str | None = None
    confidence: float | None = None
    probabilities: Mapping[str, float] | None = None
    valence: float | None = None
    arousal: float | None = None
    smooth_expression: str | None = None
    smooth_confidence: float | None = None
    smooth_probabilities: Mapping[str, float] | None = None
    smooth_valence: float | None = None
    smooth_arousal: float | None = None
    wall_time: str | None = None

    def row(self, labels: Sequence[str]) -> list[Value]:
        """Return the values in the order of `columns`; the wall-clock time where there is one."""
        return [
            self.frame,
            self.time_s,
            self.track,
            self.x,
            self.y,
            self.w,
            self.h,
            self.detection_score,
            self.expression,
            self.confidence,
            *_in_order(self.probabilities, labels),
            self.valence,
            self.arousal,
            self.smooth_expression,
            self.smooth_confidence,
            *_in_order(self.smooth_probabilities, labels),
            self.smooth_valence,
            self.smooth_arousal,
            self.source,
            *([] if self.wall_time is None else [self.wall_time]),
        ]

    def named_row(self, labels: Sequence[str]) -> dict[str, Value]:
        """Return the values by the names of their columns, in order."""
        names = columns(labels, is_live=self.wall_time is not None)
        return dict(zip(names, self.row(labels), strict=True))


def columns(labels: Sequence[str], is_live: bool = False) -> dict[str, type]:
    """Return the names and types of the table's columns, in order, for a network with these labels.

    Only tables of live streams have the column `wall_time`.
    """
    types = (int, int, int, int, int, float, str, float)
    return {
        "frame": int,
        "time_s": float,
        **dict(zip(_FACE, types, strict=True)),
        **_answer_columns("", labels),
        "smooth_expression": str,
        "smooth_confidence": float,
        **_answer_columns("smooth_", labels),
        "source": str,
        **({"wall_time": str} if is_live else {}),
    }


def records(
    frame: AnalysedFrame, labels: Sequence[str], source: str, came: datetime | None = None
) -> Iterator[FaceRecord]:
    """Make the records of one frame: one per face, or one without face fields. Floats have six decimals.

    `came`: when the frame of a live stream came, which is given to the millisecond.
    """
    source = printable(source)
    time_s = round(frame.time_s, _DECIMALS)
    wall_time = None if came is None else came.isoformat(timespec="milliseconds")
    if not frame.tracks:
        yield FaceRecord(frame.index, time_s, source, wall_time=wall_time)
    for face, track in enumerate(frame.tracks):
        x, y, w, h = frame.boxes_xywh[face].tolist()
        score = float(frame.scores[face])
        yield FaceRecord(
            frame.index,
            time_s,
            source,
            track,
            x,
            y,
            w,
            h,
            None if math.isnan(score) else round(score, _DECIMALS),
            *_answer(frame.predictions, face, labels),
            *_answer(frame.smoothed, face, labels),
            wall_time=wall_time,
        )


_Answer = tuple[str, float, dict[str, float], float | None, float | None]


def _answer(predictions: Predictions, face: int, labels: Sequence[str]) -> _Answer:
    """Expression, confidence, probabilities, valence and arousal of one face."""
    raw = predictions.expression[face]
    values = [round(value, _DECIMALS) for value in raw.tolist()]
    best = int(np.argmax(raw))
    affects = predictions.valence_arousal
    valence, arousal = (
        (None, None)
        if affects is None
        else (round(value, _DECIMALS) + 0.0 for value in affects[face].tolist())  # no -0.0
    )
    return labels[best], values[best], dict(zip(labels, values, strict=True)), valence, arousal


def _answer_columns(prefix: str, labels: Sequence[str]) -> dict[str, type]:
    names = [*(f"{prefix}p_{label}" for label in labels), f"{prefix}valence", f"{prefix}arousal"]
    return dict.fromkeys(names, float)


def _in_order(probabilities: Mapping[str, float] | None, labels: Sequence[str]) -> list[float | None]:
    return [None] * len(labels) if probabilities is None else [probabilities[label] for label in labels]

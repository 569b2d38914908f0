"""The result of one video: which expression held for how long, over all faces and per track."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_client.inference import Predictions

_SHORTEST_S = 1e-6
"""Weight of a frame without extent in time, so that a single picture still has a dominant expression."""


@dataclass
class _Share:
    """Sums over face-seconds; a face-second is one face seen for one second."""

    label_count: int
    seconds: float = 0.0
    frames: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    strongest: NDArray[np.float64] = field(init=False)
    probability: NDArray[np.float64] = field(init=False)
    affect: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.strongest = np.zeros(self.label_count)
        self.probability = np.zeros(self.label_count)
        self.affect = np.zeros(2)

    def add(
        self, time_s: float, weight_s: float, expression: NDArray[Any], affect: NDArray[Any] | None
    ) -> None:
        if not self.frames:
            self.first_s = time_s
        self.last_s = time_s
        self.frames += 1
        self.seconds += weight_s
        self.strongest[expression.argmax()] += weight_s
        self.probability += weight_s * expression
        if affect is not None:
            self.affect += weight_s * affect

    def result(self, labels: Sequence[str], has_affect: bool) -> dict[str, Any]:
        if not self.frames:
            empty: dict[str, float] = {}
            return {
                "dominant_expression": None,
                "face_seconds": 0.0,
                "share": empty,
                "mean_probability": empty,
                "mean_valence": None,
                "mean_arousal": None,
            }
        affect = self.affect / self.seconds if has_affect else (None, None)
        return {
            "dominant_expression": labels[int(self.strongest.argmax())],
            "face_seconds": round(self.seconds, 6),
            "share": _by_label(labels, self.strongest / self.seconds),
            "mean_probability": _by_label(labels, self.probability / self.seconds),
            "mean_valence": _rounded(affect[0]),
            "mean_arousal": _rounded(affect[1]),
        }


class Summary:
    """Collects analysed frames in order. A frame counts for the time until the next analysed one.

    Where presentation times go backwards, time that was counted already is not counted again.
    """

    def __init__(self, labels: Sequence[str], has_affect: bool) -> None:
        self._labels = labels
        self._has_affect = has_affect
        self._overall = _Share(len(labels))
        self._tracks: dict[int, _Share] = {}
        self._last: tuple[float, Sequence[int], Predictions] | None = None
        self._latest_s = -math.inf
        self._interval_s = 0.0
        self.frames_analysed = 0
        self.frames_without_face = 0
        self.times_backwards = 0

    def add(self, time_s: float, tracks: Sequence[int], predictions: Predictions) -> None:
        """Add one analysed frame; `tracks` number its faces in the order of the predictions."""
        self.frames_analysed += 1
        self.frames_without_face += not tracks
        if self._last is not None:
            self.times_backwards += time_s < self._last[0]
            self._interval_s = max(0.0, time_s - self._latest_s)
            self._count_last()
        self._latest_s = max(self._latest_s, time_s)
        self._last = (time_s, tracks, predictions)

    def result(self, end_s: float | None = None) -> Mapping[str, Any]:
        """Return the counts, the overall result and one per track.

        The last frame lasts as long as its predecessor, at most until `end_s`, the end of the video.
        """
        if end_s is not None and end_s > self._latest_s:
            self._interval_s = min(self._interval_s or math.inf, end_s - self._latest_s)
        self._count_last()
        self._last = None
        return {
            "frames_analysed": self.frames_analysed,
            "frames_without_face": self.frames_without_face,
            "overall": self._overall.result(self._labels, self._has_affect),
            "tracks": [
                {
                    "track": number,
                    "first_s": round(share.first_s, 6),
                    "last_s": round(share.last_s, 6),
                    "frames": share.frames,
                    **share.result(self._labels, self._has_affect),
                }
                for number, share in sorted(self._tracks.items())
            ],
        }

    def _count_last(self) -> None:
        if self._last is None:
            return
        time_s, tracks, predictions = self._last
        weight_s = max(self._interval_s, _SHORTEST_S)
        for face, track in enumerate(tracks):
            affect = None if predictions.valence_arousal is None else predictions.valence_arousal[face]
            own = self._tracks.setdefault(track, _Share(len(self._labels)))
            for share in (self._overall, own):
                share.add(time_s, weight_s, predictions.expression[face], affect)


def _by_label(labels: Sequence[str], values: NDArray[np.float64]) -> dict[str, float]:
    return {label: round(float(value), 6) for label, value in zip(labels, values, strict=True)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 6)

"""The result of one input: which expression held for how long, over all faces and per track.

It stands on the smoothed answers, so that a single odd frame moves no share, and it goes by time: a frame
counts for as long as it stands, not once. An answer whose probability is low counts as uncertain.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_client.temporal.durations import SHORTEST_S
from fer_client.temporal.episodes import Episode
from fer_client.temporal.frame import AnalysedFrame

UNCERTAIN = "uncertain"
"""What the share of answers below the least confidence is called."""


@dataclass
class _Share:
    """Sums over face-seconds; a face-second is one face seen for one second."""

    label_count: int
    min_confidence: float
    seconds: float = 0.0
    weight: float = 0.0
    frames: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    uncertain: float = 0.0
    confidence: float = 0.0
    strongest: NDArray[np.float64] = field(init=False)
    probability: NDArray[np.float64] = field(init=False)
    affect: NDArray[np.float64] = field(init=False)
    episodes: Counter[str] = field(default_factory=Counter, init=False)

    def __post_init__(self) -> None:
        self.strongest = np.zeros(self.label_count)
        self.probability = np.zeros(self.label_count)
        self.affect = np.zeros(2)

    def add(self, frame: AnalysedFrame, face: int) -> None:
        time_s, duration_s = frame.time_s, frame.duration_s
        weight = max(duration_s, SHORTEST_S)
        expression = frame.smoothed.expression[face]
        if not self.frames:
            self.first_s = time_s
        self.last_s = time_s
        self.frames += 1
        self.seconds += duration_s
        self.weight += weight
        best = int(expression.argmax())
        confidence = round(float(expression[best]), 6)  # as the table states it
        self.confidence += weight * confidence
        if confidence < self.min_confidence:
            self.uncertain += weight
        else:
            self.strongest[best] += weight
        self.probability += weight * expression
        if frame.smoothed.valence_arousal is not None:
            self.affect += weight * frame.smoothed.valence_arousal[face]

    def result(self, labels: Sequence[str], has_affect: bool) -> dict[str, Any]:
        if not self.frames:
            empty: dict[str, float] = {}
            return {
                "dominant_expression": None,
                "face_seconds": 0.0,
                "share": empty,
                "mean_confidence": None,
                "mean_probability": empty,
                "mean_valence": None,
                "mean_arousal": None,
                "episodes": empty,
            }
        affect = self.affect / self.weight if has_affect else (None, None)
        return {
            "dominant_expression": labels[int(self.strongest.argmax())] if self.strongest.any() else None,
            "face_seconds": round(self.seconds, 6),
            "share": self._share(labels),
            "mean_confidence": round(self.confidence / self.weight, 6),
            "mean_probability": _by_label(labels, self.probability / self.weight),
            "mean_valence": _rounded(affect[0]),
            "mean_arousal": _rounded(affect[1]),
            "episodes": {label: self.episodes[label] for label in labels},
        }

    def _share(self, labels: Sequence[str]) -> dict[str, float]:
        share = _by_label(labels, self.strongest / self.weight)
        if self.min_confidence:  # added to a label of that name
            share[UNCERTAIN] = round(share.get(UNCERTAIN, 0.0) + self.uncertain / self.weight, 6)
        return share


class Summary:
    """Collects the analysed frames of one input, in order, and the episodes of its faces.

    Answers whose probability is below `min_confidence` count as uncertain; 0 for none.
    """

    def __init__(self, labels: Sequence[str], has_affect: bool, min_confidence: float = 0.0) -> None:
        self._labels = labels
        self._has_affect = has_affect
        self._min_confidence = min_confidence
        self._overall = _Share(len(labels), min_confidence)
        self._tracks: dict[int, _Share] = {}
        self._seconds = 0.0
        self._seconds_without_face = 0.0
        self.frames_analysed = 0
        self.frames_without_face = 0
        self.times_backwards = 0

    def add(self, frame: AnalysedFrame) -> None:
        """Add one analysed frame."""
        self.frames_analysed += 1
        self.times_backwards += frame.is_backwards
        self._seconds += frame.duration_s
        if not frame.tracks:
            self.frames_without_face += 1
            self._seconds_without_face += frame.duration_s
        for face, track in enumerate(frame.tracks):
            self._overall.add(frame, face)
            if track is not None:
                if track not in self._tracks:
                    self._tracks[track] = _Share(len(self._labels), self._min_confidence)
                self._tracks[track].add(frame, face)

    def add_episode(self, episode: Episode) -> None:
        """Count one episode."""
        for share in (self._overall, self._tracks[episode.track]):
            share.episodes[episode.expression] += 1

    def result(self) -> Mapping[str, Any]:
        """Return the counts, the times in seconds, the overall result and one per track, as summary.json holds them."""
        return {
            "frames_analysed": self.frames_analysed,
            "frames_without_face": self.frames_without_face,
            "seconds_analysed": round(self._seconds, 6),
            "seconds_without_face": round(self._seconds_without_face, 6),
            "overall": {
                "faces": self._overall.frames,
                **self._overall.result(self._labels, self._has_affect),
            },
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


def _by_label(labels: Sequence[str], values: NDArray[np.float64]) -> dict[str, float]:
    return {label: round(float(value), 6) for label, value in zip(labels, values, strict=True)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 6) + 0.0  # no -0.0

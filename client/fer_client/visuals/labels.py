"""What the plates of a result's faces say: the strongest smoothed expression, or that it is uncertain."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fer_client.outputs.stored_result import StoredResult
from fer_client.outputs.summary import UNCERTAIN
from fer_client.palette import colours
from fer_client.visuals.canvas import Area
from fer_client.visuals.marks import Mark


def shown_label(
    probabilities: NDArray[np.floating], labels: Sequence[str], min_confidence: float
) -> tuple[str, float]:
    """Return what to show of an answer, [K] in [0, 1]: the strongest label or UNCERTAIN; and its confidence."""
    best = int(probabilities.argmax())
    confidence = round(float(probabilities[best]), 6)  # as the summary takes it
    return labels[best] if confidence >= min_confidence else UNCERTAIN, confidence


class Labels:
    """Makes marks of a result's rows."""

    def __init__(self, result: StoredResult) -> None:
        self._faces = result.faces
        self._labels = result.labels
        self._min_confidence = float(result.summary["settings"]["min_confidence"])
        self._colours = colours((*result.labels, UNCERTAIN))
        self._has_affect = result.has_valence_arousal

    def marks(
        self, rows: NDArray[np.int64], boxes_xywh: NDArray[np.float64], factor_xy: tuple[float, float]
    ) -> list[Mark]:
        """Make a mark of each row, its box in square pixels of the frame, times `factor_xy` in the picture.

        Photographs number their faces from left to right, as the table has them.
        """
        marks = []
        for place, (row, box) in enumerate(zip(rows.tolist(), boxes_xywh, strict=True)):
            label, confidence = self._shown(row)
            number = int(self._faces.track[row]) or place + 1
            lines = (f"{number} {label} {100 * confidence:.0f} %", *self._affect(row))
            marks.append(Mark(number, _area(box, factor_xy), lines, confidence, self._colours[label]))
        return marks

    def _shown(self, row: int) -> tuple[str, float]:
        return shown_label(self._faces.smoothed[row], self._labels, self._min_confidence)

    def _affect(self, row: int) -> Sequence[str]:
        if not self._has_affect:
            return ()
        valence, arousal = (
            round(float(value), 1) + 0.0 for value in self._faces.smoothed_valence_arousal[row]
        )
        return (f"V {valence:+.1f} A {arousal:+.1f}",)


def _area(box_xywh: NDArray[np.float64], factor_xy: tuple[float, float]) -> Area:
    x, y, width, height = box_xywh * np.tile(factor_xy, 2)
    return Area(round(x), round(y), round(x + width), round(y + height))

"""Which faces a frame shows by the table, also a frame between two that were analysed."""

import numpy as np
from numpy.typing import NDArray

from fer_client.faces.boxes import iou_matrix
from fer_client.faces.shots import is_cut, thumbnail
from fer_client.media.frame import Frame
from fer_client.outputs.stored_result import StoredResult

_LEAST_OVERLAP = 0.1
"""Boxes of one number in two analysed frames that overlap less are none between which a face moved evenly."""

FrameFaces = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Rows of the table, int64 [N], and a box x, y, w, h for each, float64 [N, 4], in square pixels of the frame."""


class FacesInFrames:
    """Finds the faces of one video's frames, which are asked for in their order.

    A frame that was analysed has the faces of its rows. One between two of these has the faces of the one before,
    their boxes interpolated linearly in time where the one after has them too; beyond a cut, the faces of the one
    after.
    """

    def __init__(self, result: StoredResult) -> None:
        self._faces = result.faces
        self._frames, self._times_s = result.frames, result.times_s
        self._is_sparse = bool((np.diff(result.frames) != 1).any())
        self._place = -1
        self._is_new_shot = False
        self._image: NDArray[np.float32] | None = None

    def of(self, frame: Frame) -> FrameFaces:
        """Return the faces of a frame."""
        place = int(np.searchsorted(self._frames, frame.index, side="right")) - 1
        if self._is_sparse or place + 1 >= len(self._frames):
            self._watch(frame, place)
        rows = self._rows(place)
        if place >= 0 and self._frames[place] == frame.index:
            return rows, self._boxes(rows)
        after = self._rows(place + 1)
        if place + 1 >= len(self._frames):
            return (rows[:0], self._boxes(rows[:0])) if self._is_new_shot else (rows, self._boxes(rows))
        if self._is_new_shot:
            return after, self._boxes(after)
        return rows, self._between(rows, after, self._share(place, frame.time_s))

    def _watch(self, frame: Frame, place: int) -> None:
        """Note whether a cut has come since the last analysed frame."""
        before, self._image = self._image, thumbnail(frame.luma)
        is_same = place == self._place
        self._place = place
        has_cut = before is not None and is_cut(before, self._image)
        self._is_new_shot = is_same and (self._is_new_shot or has_cut)

    def _rows(self, place: int) -> NDArray[np.int64]:
        if not 0 <= place < len(self._frames):
            return np.zeros(0, np.int64)
        low, high = np.searchsorted(self._faces.frame, (self._frames[place], self._frames[place] + 1))
        return np.arange(low, high, dtype=np.int64)

    def _boxes(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return self._faces.boxes_xywh[rows].astype(np.float64)

    def _share(self, place: int, time_s: float) -> float:
        start_s, end_s = self._times_s[place : place + 2]
        return float(np.clip((time_s - start_s) / max(end_s - start_s, 1e-9), 0, 1))

    def _between(
        self, rows: NDArray[np.int64], after: NDArray[np.int64], share: float
    ) -> NDArray[np.float64]:
        boxes, others = self._boxes(rows), self._boxes(after)
        overlap = iou_matrix(boxes.astype(np.float32), others.astype(np.float32))
        is_same = self._faces.track[rows][:, None] == self._faces.track[after][None]
        for place, other in np.argwhere(is_same & (overlap >= _LEAST_OVERLAP)):
            boxes[place] += share * (others[other] - boxes[place])
        return boxes

"""Where faces are to be hidden in every frame of a video: more than the table has, and for longer.

A first reading of the video looks for faces in every frame, with a low least score and in a larger picture than the
analysis. What it finds is joined over time, from frame to frame where boxes overlap, and so are the faces of each
number in the table. Between two sightings without a cut the box moves evenly, and before the first and after
the last it stays where it is for HOLD_S, as far as the shot goes.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fer_client.faces.boxes import greedy_pairs, iou_matrix
from fer_client.faces.shots import is_cut, thumbnail
from fer_client.media.frame import Frame
from fer_client.outputs.stored_result import StoredFaces
from fer_client.pipeline.concurrency import ordered_map

HOLD_S = 0.4
"""How long a face is hidden where it was, before it was seen first and after it was seen last."""

_LINK_S = 1.0
"""How long a face that the table does not have may be lost between two sightings."""

_LEAST_OVERLAP = 0.2
"""Of two boxes of one face that the table does not have."""

Boxes = NDArray[np.float32]
"""x, y, w, h in square pixels of a frame, [N, 4]."""


class _Seen(NamedTuple):
    """One frame of the first reading. `image`: its thumbnail."""

    frame: int
    time_s: float
    boxes_xywh: Boxes
    image: NDArray[np.float32]


@dataclass
class _Path:
    """One face in one shot: positions of frames, counted from the first that was read, and the sides of a box at each.

    An hour of many faces stays small in arrays of plain numbers.
    """

    shot: int
    is_in_table: bool
    places: "array[int]" = field(default_factory=lambda: array("q"))
    sides: "array[float]" = field(default_factory=lambda: array("f"))

    def add(self, places: Iterable[int], boxes: Boxes) -> None:
        self.places.extend(places)
        self.sides.extend(boxes.ravel().tolist())

    @property
    def boxes(self) -> Boxes:
        return np.array(self.sides, np.float32).reshape(-1, 4)


class HiddenFaces:
    """The boxes to hide, by the index of the frame: int64 [M] of frames in rising order, float32 [M, 4] of boxes."""

    def __init__(self, frames: NDArray[np.int64], boxes_xywh: Boxes) -> None:
        order = np.argsort(frames, kind="stable")
        self._frames, self._boxes = frames[order], boxes_xywh[order]

    def of(self, index: int) -> Boxes:
        """Return the boxes of a frame, [N, 4]."""
        low, high = np.searchsorted(self._frames, (index, index + 1))
        return self._boxes[low:high]


def find_hidden_faces(
    frames: Iterable[Frame], detect: Callable[[Frame], Boxes], faces: StoredFaces, workers: int
) -> HiddenFaces:
    """Read a video once and say what is to be hidden in each of its frames.

    `detect` finds boxes, [N, 4], in square pixels of a frame, in several threads. `faces` are those of the table.
    """
    indices: list[int] = []
    times_s: list[float] = []
    shots: list[int] = []
    linker = _Linker()
    image: NDArray[np.float32] | None = None
    for seen in _look(frames, detect, workers):
        is_new = image is not None and is_cut(image, seen.image)
        image = seen.image
        shots.append((shots[-1] if shots else 0) + is_new)
        indices.append(seen.frame)
        times_s.append(seen.time_s)
        linker.add(len(indices) - 1, seen, shots[-1])
    clock = _Frames(np.array(indices, np.int64), np.array(times_s), np.array(shots, np.int64))
    paths = [*linker.paths, *_paths_of_table(faces, clock)]
    parts = [_spread(path, clock) for path in paths]
    places = np.concatenate([np.zeros(0, np.int64), *(part for part, _ in parts)])
    boxes = np.concatenate([np.zeros((0, 4), np.float32), *(part for _, part in parts)])
    return HiddenFaces(clock.number[places], boxes)


def _look(frames: Iterable[Frame], detect: Callable[[Frame], Boxes], workers: int) -> Iterator[_Seen]:
    def see(frame: Frame) -> _Seen:
        return _Seen(frame.index, frame.time_s, detect(frame), thumbnail(frame.luma))

    with (
        ThreadPoolExecutor(workers, thread_name_prefix="hidden") as pool,
        closing(ordered_map(see, frames, pool, workers + 1)) as seen,
    ):
        yield from seen


class _Frames(NamedTuple):
    """All frames of the video: number, presentation time, and the number of the shot."""

    number: NDArray[np.int64]
    time_s: NDArray[np.float64]
    shot: NDArray[np.int64]


class _Linker:
    """Joins boxes from frame to frame, those first that overlap most."""

    def __init__(self) -> None:
        self.paths: list[_Path] = []
        self._open: list[tuple[_Path, float]] = []

    def add(self, place: int, seen: _Seen, shot: int) -> None:
        """Take the boxes of the next frame."""
        near = [
            (path, last_s)
            for path, last_s in self._open
            if path.shot == shot and 0 <= seen.time_s - last_s <= _LINK_S
        ]
        last = np.array([path.sides[-4:] for path, _ in near], np.float32).reshape(-1, 4)
        overlap = iou_matrix(last, seen.boxes_xywh)
        known = {column: row for row, column in greedy_pairs(overlap, _LEAST_OVERLAP)}
        self._open = [entry for row, entry in enumerate(near) if row not in known.values()]
        for column in range(len(seen.boxes_xywh)):
            path = near[known[column]][0] if column in known else self._new(shot)
            path.add([place], seen.boxes_xywh[column])
            self._open.append((path, seen.time_s))

    def _new(self, shot: int) -> _Path:
        self.paths.append(_Path(shot, is_in_table=False))
        return self.paths[-1]


def _paths_of_table(faces: StoredFaces, frames: _Frames) -> Iterator[_Path]:
    """Yield the path of each number in each shot."""
    for track in np.unique(faces.track):
        rows = faces.of_track(int(track))
        places = np.searchsorted(frames.number, rows.frame)
        is_read = places < len(frames.number)
        places, boxes = places[is_read], rows.boxes_xywh[is_read].astype(np.float32)
        shots = frames.shot[places]
        for shot in np.unique(shots):
            path = _Path(int(shot), is_in_table=True)
            path.add(places[shots == shot].tolist(), boxes[shots == shot])
            yield path


def _spread(path: _Path, frames: _Frames) -> tuple[NDArray[np.int64], Boxes]:
    """Return the places at which a face is hidden, int64 [N], and its boxes there, [N, 4].

    What the table does not have and was seen in one frame alone is hidden there only: it may be no face.
    """
    hold_s = HOLD_S if path.is_in_table or len(path.places) > 1 else 0.0
    first, last = path.places[0], path.places[-1]
    start_s, end_s = frames.time_s[first] - hold_s, frames.time_s[last] + hold_s
    low, high = np.searchsorted(frames.shot, (path.shot, path.shot + 1))
    places = np.arange(low, high, dtype=np.int64)
    is_near = (places >= first) & (places <= last)
    is_near |= (frames.time_s[places] >= start_s) & (frames.time_s[places] <= end_s)
    places = places[is_near]
    columns = [np.interp(places, path.places, column) for column in path.boxes.T]
    return places, np.stack(columns, axis=1).astype(np.float32)

"""A result as it stands on disk, in columns, for whatever is made of it afterwards."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_client.errors import UsageError
from fer_client.outputs.episodes_table import EPISODE_COLUMNS, EpisodesTable
from fer_client.outputs.faces_table import FacesTable
from fer_client.outputs.places import read_result
from fer_client.outputs.stored_tables import as_written, open_rows
from fer_client.outputs.tables import FORMATS
from fer_client.temporal.episodes import Episode

_ANSWERS = ("probabilities", "smoothed", "valence_arousal", "smoothed_valence_arousal")

_ROWS = 10_000
"""Read at once, so that only numbers stay in memory."""


@dataclass(frozen=True)
class StoredFaces:
    """All N faces of an input, in the order of the table: by frame, then from left to right.

    `frame`: int64 [N], counts all decoded frames from 0. `time_s`: float64 [N], presentation times. `track`: int32 [N],
    0 in photographs. `boxes_xywh`: int32 [N, 4] in square pixels of the upright frame. `scores`: float32 [N], NaN where
    the detector gives none. `probabilities`, `smoothed`: float32 [N, K], in the order of the labels.
    `valence_arousal`, `smoothed_valence_arousal`: float32 [N, 2] in [-1, 1], NaN where the server has no such network.
    """

    frame: NDArray[np.int64]
    time_s: NDArray[np.float64]
    track: NDArray[np.int32]
    boxes_xywh: NDArray[np.int32]
    scores: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    smoothed: NDArray[np.float32]
    valence_arousal: NDArray[np.float32]
    smoothed_valence_arousal: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.frame)

    def of_track(self, track: int) -> "StoredFaces":
        """The rows of one face."""
        return self.where(self.track == track)

    def where(self, chosen: NDArray[np.bool_]) -> "StoredFaces":
        """The rows that a mask, bool [N], chooses."""
        return StoredFaces(**{name: column[chosen] for name, column in vars(self).items()})


@dataclass(frozen=True)
class StoredResult:
    """What a result folder holds. `frames` int64 [F] and `times_s` float64 [F] are of all analysed frames."""

    folder: Path
    summary: Mapping[str, Any]
    frames: NDArray[np.int64]
    times_s: NDArray[np.float64]
    faces: StoredFaces
    episodes: tuple[Episode, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The network's labels, in the order of the columns."""
        return tuple(self.summary["models"]["labels"])

    @property
    def tracks(self) -> list[int]:
        """Numbers of the faces, those first that were seen longest."""
        ranked = sorted(self.summary["tracks"], key=lambda track: -float(track["face_seconds"]))
        return [int(track["track"]) for track in ranked]

    @property
    def has_valence_arousal(self) -> bool:
        """Whether the server told valence and arousal."""
        return bool(np.isfinite(self.faces.valence_arousal).any())


def load_result(folder: Path) -> StoredResult:
    """Read a result folder. Raises UsageError where it is none, or its files are not as fer-client wrote them."""
    summary = read_result(folder)
    form = next((form for form in FORMATS if (folder / f"{FacesTable.name}.{form}").is_file()), None)
    if summary is None or form is None:
        raise UsageError(
            f"Expected a result folder of fer-client with summary.json and its tables, but {folder} is none. Name a "
            "folder that a run has written below --out."
        )
    with as_written(folder, "Analyse the input again with --overwrite."):
        table = _read_columns(folder / f"{FacesTable.name}.{form}", _columns_of(summary["models"]["labels"]))
        first = np.r_[True, np.diff(table["frame"][:, 0]) != 0][: len(table["frame"])]
        return StoredResult(
            folder,
            summary,
            table["frame"][first, 0].astype(np.int64),
            table["time_s"][first, 0],
            _faces(table),
            tuple(_read_episodes(folder / f"{EpisodesTable.name}.{form}")),
        )


def _columns_of(labels: Sequence[str]) -> dict[str, list[str]]:
    """Columns of the table by the arrays that they make up."""
    return {
        "frame": ["frame"],
        "time_s": ["time_s"],
        "track": ["track"],
        "boxes_xywh": ["x", "y", "w", "h"],
        "scores": ["detection_score"],
        "probabilities": [f"p_{label}" for label in labels],
        "smoothed": [f"smooth_p_{label}" for label in labels],
        "valence_arousal": ["valence", "arousal"],
        "smoothed_valence_arousal": ["smooth_valence", "smooth_arousal"],
    }


def _faces(table: Mapping[str, NDArray[np.float64]]) -> StoredFaces:
    """Leave out the rows of frames without a face, and give each array its dtype."""
    has_face = np.isfinite(table["boxes_xywh"][:, 0])
    rows = {name: values[has_face] for name, values in table.items()}
    single = partial(np.asarray, dtype=np.float32)
    return StoredFaces(
        frame=rows["frame"][:, 0].astype(np.int64),
        time_s=rows["time_s"][:, 0],
        track=np.nan_to_num(rows["track"][:, 0]).astype(np.int32),
        boxes_xywh=rows["boxes_xywh"].astype(np.int32),
        scores=single(rows["scores"][:, 0]),
        **{name: single(rows[name]) for name in _ANSWERS},
    )


def _read_columns(path: Path, wanted: Mapping[str, Sequence[str]]) -> dict[str, NDArray[np.float64]]:
    """Read columns of numbers, float64 [rows, columns of the group], NaN where empty."""
    with open_rows(path) as (names, rows):
        places = [names.index(name) for group in wanted.values() for name in group]
        parts = [np.empty((0, len(places)))]
        while chunk := list(islice(rows, _ROWS)):
            parts.append(_numbers(chunk, places))
    values = np.concatenate(parts)
    ends = np.cumsum([len(group) for group in wanted.values()])[:-1]
    return dict(zip(wanted, np.split(values, ends, axis=1), strict=True))


def _numbers(rows: Sequence[Sequence[Any]], places: Sequence[int]) -> NDArray[np.float64]:
    columns = list(zip(*rows, strict=True))
    return np.array([[_number(value) for value in columns[place]] for place in places], np.float64).T


def _number(value: Any) -> float:
    return float("nan") if value is None or value == "" else float(value)


def _read_episodes(path: Path) -> Iterator[Episode]:
    with open_rows(path) as (names, rows):
        places = [names.index(name) for name in EPISODE_COLUMNS] if names else []
        for row in rows:
            values = zip(EPISODE_COLUMNS.items(), places, strict=True)
            yield Episode(**{name: kind(row[place]) for (name, kind), place in values})

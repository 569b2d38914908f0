"""Result folders that tests make up, with all that `load_result` reads."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fer_client.inference.client import Predictions
from fer_client.outputs.episodes_table import EPISODE_COLUMNS
from fer_client.outputs.face_records import columns, records
from fer_client.outputs.summary import Summary
from fer_client.outputs.tables import CsvTable
from fer_client.temporal.durations import timed
from fer_client.temporal.frame import AnalysedFrame

LABELS = ("angry", "happy", "sad", "neutral")
ANSWERS = [[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]]

Faces = dict[int | None, Sequence[float]]
"""Probabilities by the number of the face."""


def sure_of(label: str, probability: float = 0.85, labels: Sequence[str] = LABELS) -> list[float]:
    """Probabilities with this one for a label, and the rest for the others alike."""
    rest = (1 - probability) / (len(labels) - 1)
    return [probability if name == label else rest for name in labels]


def made_frame(
    index: int, time_s: float, faces: Faces, affect: tuple[float, float] | None = None
) -> AnalysedFrame:
    rows = np.array(list(faces.values()), np.float32) if faces else np.empty((0, 0), np.float32)
    answers = Predictions(rows, None if affect is None else np.tile(np.float32(affect), (len(faces), 1)))
    boxes = np.tile(np.int32([10, 20, 40, 50]), (len(faces), 1))
    return AnalysedFrame(index, time_s, boxes, np.ones(len(faces), np.float32), list(faces), answers, answers)


def write_result(
    folder: Path,
    frames: Sequence[AnalysedFrame],
    *,
    name: str = "talk.mp4",
    labels: Sequence[str] = LABELS,
    kind: str = "video",
    min_confidence: float = 0.5,
    warnings: Sequence[str] = (),
    time: Callable[[Iterable[AnalysedFrame]], Iterator[AnalysedFrame]] = timed,
    **changes: dict[str, Any],
) -> Path:
    """Write a result folder; `changes` go into the parts of summary.json of these names.

    `time` fills in how long each frame of a video stands.
    """
    folder.mkdir(parents=True)
    has_affect = any(frame.predictions.valence_arousal is not None for frame in frames)
    summary = Summary(labels, has_affect, min_confidence)
    with CsvTable(folder, "faces", columns(labels)) as table:
        for frame in time(frames) if kind == "video" else frames:
            summary.add(frame)
            for record in records(frame, labels, name):
                table.write(record.row(labels))
    CsvTable(folder, "episodes", EPISODE_COLUMNS).close()
    known: dict[str, Any] = {
        "input": {"kind": kind, "name": name, "origin": None, "fingerprint": name},
        "settings": {"min_confidence": min_confidence, "smooth_s": 0.5},
        "models": {
            "client": "0.1.0",
            "labels": list(labels),
            "answers": ANSWERS,
            "network": "a",
            "detector": "YuNet",
            "detector_weights": "b",
        },
        "warnings": list(warnings),
    }
    for part, values in changes.items():
        known[part] |= values
    (folder / "summary.json").write_text(json.dumps(known | summary.result()))
    return folder

"""How many of the faces and expressions of a detection on every frame remain with fewer detections."""

import csv
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fer_client.faces.boxes import greedy_pairs, iou_matrix
from fer_client.media.sources import video_file
from fer_client.outputs.result import write_result
from fer_client.pipeline.context import Job

SAME_FACE_IOU = 0.5

Row = Mapping[str, str]


@dataclass(frozen=True)
class Agreement:
    """Counts over the frames of one or more videos.

    `faces` of the reference, `found` of them again, `expressions` of them with the same strongest one, and
    faces that the reference has not (`extra`). `detections` of `frames` in the run that is judged.
    """

    faces: int = 0
    found: int = 0
    expressions: int = 0
    extra: int = 0
    frames: int = 0
    detections: int = 0

    def __add__(self, other: "Agreement") -> "Agreement":
        return Agreement(*(getattr(self, name) + getattr(other, name) for name in self.__match_args__))

    def shares(self) -> dict[str, float]:
        """Shares of the reference's faces, and of the frames that the detector saw."""
        faces, frames = max(1, self.faces), max(1, self.frames)
        return {
            "share_of_faces": self.found / faces,
            "share_of_expressions": self.expressions / faces,
            "share_of_extra_faces": self.extra / faces,
            "share_of_frames_detected": self.detections / frames,
        }


def agreement(path: Path, job: Job, every: Sequence[int]) -> dict[int, Agreement]:
    """Compare the detector on every `n`-th frame, for each `n` of `every`, with the detector on each frame."""
    reference, _ = _table(path, job, 1)
    return {steps: compare(reference, *_table(path, job, steps)) for steps in every}


def _table(path: Path, job: Job, every: int) -> tuple[list[Row], int]:
    """Rows of faces.csv, and how many frames the detector saw."""
    settings = replace(job.settings, detect_every=every, partial=True, table_format="csv")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "result"
        result, _ = write_result(video_file(path), target, replace(job, settings=settings), lambda _: None)
        with (target / "faces.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file)), int(result["frames_detected"])


def compare(reference: Iterable[Row], judged: Iterable[Row], detections: int) -> Agreement:
    """Compare two tables of one video, as the rows of faces.csv; a face is the same from an IoU of 0.5 on."""
    expected, came = _by_frame(reference), _by_frame(judged)
    total = Agreement(frames=len(expected), detections=detections)
    for frame in expected.keys() | came.keys():
        total += _compare_frame(expected.get(frame, []), came.get(frame, []))
    return total


def _by_frame(rows: Iterable[Row]) -> dict[str, list[Row]]:
    frames: dict[str, list[Row]] = {}
    for row in rows:
        frames.setdefault(row["frame"], []).extend([row] if row["expression"] else [])
    return frames


def _compare_frame(expected: Sequence[Row], came: Sequence[Row]) -> Agreement:
    first, second = (
        np.array([[row[name] for name in "xywh"] for row in rows], np.float32).reshape(-1, 4)
        for rows in (expected, came)
    )
    pairs = list(greedy_pairs(iou_matrix(first, second), SAME_FACE_IOU))
    same = sum(expected[row]["expression"] == came[column]["expression"] for row, column in pairs)
    return Agreement(len(expected), len(pairs), same, len(came) - len(pairs))

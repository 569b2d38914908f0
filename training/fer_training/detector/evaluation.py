"""Average precision of a detector, by the protocol of WIDER FACE, and what else is to be known of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_client.faces.boxes import iou_matrix
from fer_client.settings import Settings
from fer_training.detector.pictures import SURE, Faces

MATCH_IOU = 0.5
SMALLEST = 8.0
"""Smaller faces, by the root of the box's area, are neither asked for nor held against the detector."""


@dataclass(frozen=True)
class Detections:
    """What a detector found in one picture, beside what is there: `faces` are the annotated ones."""

    found: Faces
    faces: Faces


def detector_figures(seen: Sequence[Detections]) -> dict[str, float]:
    """Measure: `average_precision`, `recall` and `precision` at the score that the client asks for, `landmark_error`.

    The last is the mean distance of the landmarks from the annotated ones by the distance of the eyes, of the faces
    that were found, at any score.
    """
    scores, is_right, count = judged(seen)
    at = scores >= Settings.min_score
    return {
        "average_precision": average_precision(scores, is_right, count),
        "recall": float(is_right[at].sum() / max(count, 1)),
        "precision": float(is_right[at].mean()) if at.any() else 0.0,
        "landmark_error": _landmark_error(seen),
    }


def judged(seen: Sequence[Detections]) -> tuple[NDArray[np.float32], NDArray[np.bool_], int]:
    """Scores of all detections and whether each is a face, and the number of faces asked for.

    In each picture the surest detection takes the face that it overlaps most. Detections that fall on faces which are
    unsure or too small are left out (the «ignore» of the protocol).
    """
    scores, right, count = [], [], 0
    for one in seen:
        is_asked = (one.faces.scores >= SURE) & (_sizes(one.faces.boxes) >= SMALLEST)
        count += int(is_asked.sum())
        for score, face in _matches(one):
            if face is None or is_asked[face]:
                scores.append(score)
                right.append(face is not None)
    return np.array(scores, np.float32), np.array(right, bool), count


def average_precision(scores: NDArray[np.float32], is_right: NDArray[np.bool_], count: int) -> float:
    """Area under precision over recall; precision never rises (Everingham 2010, doi:10.1007/s11263-009-0275-4)."""
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(is_right[order])
    recall = np.concatenate([[0.0], right / max(count, 1)])
    precision = np.concatenate([[1.0], right / np.arange(1, len(right) + 1)])
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall) * falling[1:]))


def _matches(one: Detections) -> list[tuple[float, int | None]]:
    """Score of each detection with the face that it takes; a second one on a face that is taken has none."""
    order = np.argsort(-one.found.scores, kind="stable")
    near = iou_matrix(one.found.boxes, one.faces.boxes)
    taken: set[int] = set()
    pairs: list[tuple[float, int | None]] = []
    for number in order:
        face = int(near[number].argmax()) if near.shape[1] else -1
        is_hit = face >= 0 and near[number, face] >= MATCH_IOU
        if is_hit and face in taken:
            is_unsure = one.faces.scores[face] < SURE
            if is_unsure:
                continue
            is_hit = False
        if is_hit:
            taken.add(face)
        pairs.append((float(one.found.scores[number]), face if is_hit else None))
    return pairs


def _landmark_error(seen: Sequence[Detections]) -> float:
    errors = []
    for one in seen:
        near = iou_matrix(one.found.boxes, one.faces.boxes)
        for face in np.flatnonzero(one.faces.scores >= SURE):
            if not len(near) or near[:, face].max() < MATCH_IOU:
                continue
            truth, answer = one.faces.landmarks[face], one.found.landmarks[near[:, face].argmax()]
            eyes = np.linalg.norm(truth[0] - truth[1])
            if np.isfinite(eyes) and eyes >= 4:
                errors.append(np.linalg.norm(truth - answer, axis=1).mean() / eyes)
    return float(np.mean(errors)) if errors else float("nan")


def _sizes(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.sqrt(boxes[:, 2].clip(min=0) * boxes[:, 3].clip(min=0)), np.float32)

"""The faces of a result as packed columns, as fine as a page has room for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_client.outputs.stored_result import StoredFaces, StoredResult
from fer_client.visuals.pages.packing import Packed, pack, quantised

ROOM = 3_300_000
"""Bytes that packed columns may take: with BokehJS and what else stands in a page, less than 5 MB."""

_MICROSECOND = 1e-6

_SCORE, _NO_SCORE = "detection_score", -1
"""Between two detections there is none, which `assets/faces.js` reads from a count below 0."""

_NOT_IN_LARGE = ("x", "y", "w", "h", _SCORE, "expression", "confidence", "valence", "arousal")
"""Columns for which there is no room in a large result. What is averaged over time stays."""


@dataclass(frozen=True)
class _Detail:
    """`step` is what probabilities, valence and arousal are rounded to; `leaves_out` names columns."""

    step: float
    leaves_out: Sequence[str] = ()


_DETAILS = (
    _Detail(1e-6),
    _Detail(1e-4),
    _Detail(1e-3),
    _Detail(1e-3, _NOT_IN_LARGE),
    _Detail(5e-3, _NOT_IN_LARGE),
)
"""From the finest, which is as fine as the tables themselves; the first that there is room for is taken."""


def pack_faces(result: StoredResult, tracks: Sequence[int], room: int = ROOM) -> dict[str, Any]:
    """Pack the faces of these tracks, one after the other; in photographs track 0 holds all.

    Returns `columns` and `text` of `fer_client.visuals.pages.packing`, `counts` with the rows of each track, `steps`
    with what to multiply a column by, and `step`, the coarsest of them. Columns are those of `faces.csv`, but for
    `place`, the index of the row's frame among the analysed frames, whose numbers and times are `frame` and `time_s`.
    """
    rows = [np.flatnonzero(result.faces.track == track) for track in tracks]
    order = np.concatenate([np.empty(0, np.int64), *rows])
    chosen = result.faces.where(order)
    for detail in _DETAILS:
        packed, steps = _packed(result, chosen, detail)
        if len(packed.text) <= room:
            break
    return {
        "columns": packed.columns,
        "text": packed.text,
        "counts": [len(part) for part in rows],
        "steps": steps,
        "step": detail.step,
    }


def _packed(result: StoredResult, faces: StoredFaces, detail: _Detail) -> tuple[Packed, dict[str, float]]:
    columns = {"frame": result.frames, "time_s": quantised(result.times_s, _MICROSECOND)}
    columns["place"] = np.searchsorted(result.frames, faces.frame)
    steps: dict[str, float] = {"time_s": _MICROSECOND}
    for name, values, step in _columns(faces, detail.step):
        is_missing = np.isnan(values)
        if name in detail.leaves_out or is_missing.all() or (is_missing.any() and name != _SCORE):
            continue
        steps[name] = step
        columns[name] = np.where(is_missing, _NO_SCORE, quantised(np.nan_to_num(values), step))
    return pack(columns), steps


def _columns(faces: StoredFaces, step: float) -> Iterator[tuple[str, NDArray[Any], float]]:
    """Yield names, values [N] and steps; an expression is the index of its label."""
    for place, name in enumerate(("x", "y", "w", "h")):
        yield name, faces.boxes_xywh[:, place], 1
    yield _SCORE, faces.scores, step
    for prefix, probabilities, affect in (
        ("", faces.probabilities, faces.valence_arousal),
        ("smooth_", faces.smoothed, faces.smoothed_valence_arousal),
    ):
        yield f"{prefix}expression", probabilities.argmax(axis=1), 1
        yield f"{prefix}confidence", probabilities.max(axis=1), step
        yield f"{prefix}valence", affect[:, 0], step
        yield f"{prefix}arousal", affect[:, 1], step

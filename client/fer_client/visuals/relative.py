"""The tables of `--relative`: each face against its own rest, and what that rest is."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fer_client.errors import InputError
from fer_client.media.sources import Source
from fer_client.outputs.stored_durations import frame_durations
from fer_client.outputs.stored_result import StoredFaces, StoredResult
from fer_client.outputs.tables import FORMATS, Value
from fer_client.settings import Settings
from fer_client.temporal.baseline import (
    LEAST_CALM_S,
    NEUTRAL,
    Baseline,
    Floats,
    relative_to,
    resting_baseline,
)
from fer_client.visuals.visual import Request, Tick, Visual

_DECIMALS = 6
_NOTE = "resting faces"


class _Track(NamedTuple):
    """One face of a video: its rows, its rest, if it has one, and its probabilities against that, [N, K]."""

    number: int
    faces: StoredFaces
    baseline: Baseline | None
    relative: Floats


class _Table(Visual):
    """A table in the format of the others, made of the smoothed answers."""

    stem = ""
    remark: str | None = None
    """What to say where no face has a baseline."""

    def name(self, _source: Source, settings: Settings) -> str:
        """Name the file."""
        return f"{self.stem}.{settings.table_format}"

    def is_wanted(self, settings: Settings) -> bool:
        """Whether `--relative` was given."""
        return settings.relative

    def options(self, _settings: Settings) -> dict[str, Any]:
        """Nothing but the result decides."""
        return {}

    def unfit(self, source: Source) -> str | None:
        """Photographs have no rest, which is found over time."""
        is_photographs = source.kind == "photographs"
        return "no relative tables, since a resting face is found over time." if is_photographs else None

    def make(self, request: Request, path: Path, tick: Tick) -> str | None:
        """Write the table, and say where no face rests in it. Raises InputError for a network without `neutral`."""
        result = request.result
        _check(request)
        tracks = _tracks(request, tick)
        with FORMATS[path.suffix[1:]](path.parent, self.stem, self.columns(result.labels)) as table:
            for row in self.rows(result.labels, tracks):
                table.write(row)
        has_rest = any(track.baseline for track in tracks)
        return None if has_rest or not tracks else self.remark

    @abstractmethod
    def columns(self, labels: Sequence[str]) -> Mapping[str, type]:
        """Name the columns and their types."""

    @abstractmethod
    def rows(self, labels: Sequence[str], tracks: Sequence[_Track]) -> Iterator[list[Value]]:
        """Yield the rows."""


class RelativeTable(_Table):
    """`relative`: a row per face and frame, in the order of `faces`; empty where a face has no baseline."""

    stem = "relative"
    remark = f"no face holds still for {LEAST_CALM_S:g} s of a calm look, so relative is empty. Take a longer part."

    def columns(self, labels: Sequence[str]) -> Mapping[str, type]:
        """Name the columns and their types."""
        answers = dict.fromkeys([f"relative_p_{label}" for label in labels], float)
        known = {"frame": int, "time_s": float, "track": int}
        return known | {"relative_expression": str, "relative_confidence": float} | answers

    def rows(self, labels: Sequence[str], tracks: Sequence[_Track]) -> Iterator[list[Value]]:
        """Yield the rows of all tracks by frame and, within one, from left to right."""
        keyed = [
            ((int(frame), int(x)), [int(frame), float(time_s), track.number, *_answer(labels, track, row)])
            for track in tracks
            for row, (frame, time_s, x) in enumerate(
                zip(track.faces.frame, track.faces.time_s, track.faces.boxes_xywh[:, 0], strict=True)
            )
        ]
        yield from (row for _, row in sorted(keyed, key=lambda pair: pair[0]))


class BaselineTable(_Table):
    """`baselines`: a row per face, with its probabilities at rest and the share of frames that these change."""

    stem = "baselines"

    def columns(self, labels: Sequence[str]) -> Mapping[str, type]:
        """Name the columns and their types."""
        answers = dict.fromkeys([f"rest_p_{label}" for label in labels], float)
        return {"track": int, "calm_frames": int, "calm_s": float, "changed_share": float} | answers

    def rows(self, labels: Sequence[str], tracks: Sequence[_Track]) -> Iterator[list[Value]]:
        """Yield a row per track; empty but for its number where it has no baseline."""
        for number, faces, baseline, relative in tracks:
            if baseline is None:
                yield [number, 0, *[None] * (2 + len(labels))]
                continue
            changed = float((faces.smoothed.argmax(axis=1) != relative.argmax(axis=1)).mean())
            rest = [round(value, _DECIMALS) for value in baseline.probabilities.tolist()]
            yield [
                number,
                baseline.frames,
                round(baseline.seconds, _DECIMALS),
                round(changed, _DECIMALS),
                *rest,
            ]


def _check(request: Request) -> None:
    if NEUTRAL not in request.result.labels:
        raise InputError(
            f"{request.source.shown}: expected a network that tells {NEUTRAL}, against which --relative sets a face, "
            f"but it tells {', '.join(request.result.labels)}. Leave --relative out."
        )


def _tracks(request: Request, tick: Tick) -> Sequence[_Track]:
    """Find the rest of every face, once for both tables."""
    if _NOTE not in request.notes:
        request.notes[_NOTE] = tuple(_found(request.result, tick))
    found: Sequence[_Track] = request.notes[_NOTE]
    return found


def _found(result: StoredResult, tick: Tick) -> Iterator[_Track]:
    numbers, stands_s = sorted(result.tracks), frame_durations(result)
    for done, number in enumerate(numbers):
        tick(done / len(numbers))
        faces = result.faces.of_track(number)
        own_s = stands_s[np.searchsorted(result.frames, faces.frame)]
        baseline = resting_baseline(faces.smoothed, faces.time_s, own_s, result.labels)
        own = faces.smoothed
        relative = own if baseline is None else relative_to(baseline, own, result.labels)
        yield _Track(number, faces, baseline, relative)


def _answer(labels: Sequence[str], track: _Track, row: int) -> list[Value]:
    if track.baseline is None:
        return [None] * (2 + len(labels))
    values = [round(value, _DECIMALS) for value in track.relative[row].tolist()]
    best = int(np.argmax(track.relative[row]))
    return [labels[best], values[best], *values]

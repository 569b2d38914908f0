"""Results as they would be read from a folder, made up, of any length."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_client.outputs.stored_result import StoredFaces, StoredResult
from fer_client.temporal.episodes import Episode

LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
WINDOW = 15
"""Frames over which answers are averaged: half a second at 30 frames/s."""


def made_up(
    seconds: float, people: int, rate: float = 30.0, has_affect: bool = True, start_s: float = 0.0
) -> StoredResult:
    """Make a result in which everybody is there all the time and changes expression every few seconds."""
    generator = np.random.default_rng(12)
    count = round(seconds * rate)
    times_s = np.round(start_s + np.arange(count) / rate, 6)
    parts = [_person(generator, count, place, has_affect) for place in range(people)]
    order = np.lexsort((np.tile(np.arange(people), count), np.repeat(np.arange(count), people)))
    columns = {name: np.stack([part[name] for part in parts], axis=1) for name in parts[0]}
    flat = {
        name: values.reshape(count * people, *values.shape[2:])[order] for name, values in columns.items()
    }
    frame = np.repeat(np.arange(count), people)
    track = np.tile(np.arange(1, people + 1, dtype=np.int32), count)
    faces = StoredFaces(frame=frame, time_s=times_s[frame], track=track, **flat)
    return StoredResult(
        folder=Path("made up"),
        summary=_summary(seconds, people, count, times_s),
        frames=np.arange(count),
        times_s=times_s,
        faces=faces,
        episodes=_episodes(faces, people, count, rate),
    )


def _person(
    generator: np.random.Generator, count: int, place: int, has_affect: bool
) -> dict[str, NDArray[Any]]:
    """Answers that follow an expression of the moment, with the noise of single frames."""
    moods = np.repeat(generator.integers(0, len(LABELS), count // 90 + 1), 90)[:count]
    logits = 2.5 * np.eye(len(LABELS))[moods] + generator.normal(0, 0.5, (count, len(LABELS)))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    affect = np.stack([probabilities[:, 3] - probabilities[:, 0], probabilities[:, 5]], axis=1)
    affect = affect if has_affect else np.full((count, 2), np.nan)
    drift = np.cumsum(generator.integers(-1, 2, (count, 2)), axis=0) % 100
    boxes = np.column_stack([200 * place + drift[:, 0], 80 + drift[:, 1], np.full((count, 2), 120)])
    return {
        "boxes_xywh": boxes.astype(np.int32),
        "scores": np.round(0.9 + 0.05 * generator.random(count), 6).astype(np.float32),
        "probabilities": np.round(probabilities, 6).astype(np.float32),
        "smoothed": np.round(_averaged(probabilities), 6).astype(np.float32),
        "valence_arousal": np.round(affect, 6).astype(np.float32),
        "smoothed_valence_arousal": np.round(_averaged(affect), 6).astype(np.float32),
    }


def _averaged(values: NDArray[np.float64]) -> NDArray[np.float64]:
    padded = np.pad(values, ((WINDOW // 2, WINDOW // 2), (0, 0)), mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, WINDOW, axis=0).mean(axis=-1)


def _episodes(faces: StoredFaces, people: int, count: int, rate: float) -> tuple[Episode, ...]:
    best = faces.smoothed.argmax(axis=1).reshape(count, people)
    probability = faces.smoothed.max(axis=1).reshape(count, people)
    made = []
    for place in range(people):
        edges = np.flatnonzero(np.r_[True, np.diff(best[:, place]) != 0, True])
        for first, end in pairwise(edges.tolist()):
            part = probability[first:end, place]
            start_s = float(faces.time_s[first * people])
            end_s = start_s + (end - first) / rate
            peak_s = float(faces.time_s[(first + int(part.argmax())) * people])
            label = LABELS[int(best[first, place])]
            numbers = (start_s, end_s, end_s - start_s, peak_s, float(part.max()), float(part.mean()))
            made.append(Episode(place + 1, label, *(round(number, 6) for number in numbers)))
    return tuple(sorted(made, key=lambda episode: (episode.start_s, episode.track)))


def _summary(seconds: float, people: int, count: int, times_s: NDArray[np.float64]) -> dict[str, Any]:
    share = {label: round(1 / len(LABELS), 6) for label in LABELS} | {"uncertain": 0.0}
    part = {"dominant_expression": "happy", "share": share, "mean_confidence": 0.7, "face_seconds": seconds}
    span = {"first_s": float(times_s[0]), "last_s": float(times_s[-1]), "frames": count}
    return {
        "input": {"name": "made up.mp4", "kind": "video", "fingerprint": None},
        "video": {"is_live": False},
        "frames_decoded": count,
        "settings": {"min_confidence": 0.5},
        "models": {"labels": list(LABELS)},
        "warnings": [],
        "frames_analysed": count,
        "seconds_analysed": seconds,
        "seconds_without_face": 0.0,
        "overall": {"faces": count * people, **part},
        "tracks": [{"track": track, **span, **part} for track in range(1, people + 1)],
    }

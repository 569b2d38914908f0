"""Results of inputs as a program would have read them back, for what is made of them; and pictures of videos."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_client.faces.detection import DetectorChoice
from fer_client.media.frame import Frame
from fer_client.media.sources import Source, video_file
from fer_client.outputs.stored_result import StoredFaces, StoredResult
from fer_client.settings import Settings
from fer_client.visuals.visual import Request

LABELS = ("angry", "happy", "neutral")

Row = tuple[int, int, tuple[int, int, int, int]]
"""Frame, number and box of a face."""


def faces(
    rows: Sequence[Row], fps: float = 25.0, happy: float = 0.9, has_affect: bool = False
) -> StoredFaces:
    """Faces that are all happy."""
    count = len(rows)
    probabilities = np.tile(np.array([(1 - happy) / 2, happy, (1 - happy) / 2], np.float32), (count, 1))
    affect = np.tile(np.array([0.42, -0.13] if has_affect else [np.nan, np.nan], np.float32), (count, 1))
    frame = np.array([row[0] for row in rows], np.int64)
    return StoredFaces(
        frame=frame,
        time_s=frame / fps,
        track=np.array([row[1] for row in rows], np.int32),
        boxes_xywh=np.array([row[2] for row in rows], np.int32).reshape(-1, 4),
        scores=np.ones(count, np.float32),
        probabilities=probabilities,
        smoothed=probabilities,
        valence_arousal=affect,
        smoothed_valence_arousal=affect,
    )


def result(
    rows: Sequence[Row] = (),
    analysed: Sequence[int] = (),
    fps: float = 25.0,
    source: Source | None = None,
    **how: Any,
) -> StoredResult:
    """A result of so many analysed frames."""
    summary = {
        "models": {"labels": list(LABELS)},
        "settings": {"min_confidence": 0.5},
        "input": {"fingerprint": source.fingerprint() if source else None},
        "video": {"is_live": False},
        "unreadable": {},
        "frames_decoded": len(analysed),
    }
    numbers = np.array(analysed, np.int64)
    return StoredResult(Path("none"), summary, numbers, numbers / fps, faces(rows, fps, **how), ())


def request(
    path: Path,
    rows: Sequence[Row] = (),
    detector: DetectorChoice | None = None,
    settings: Settings | None = None,
) -> Request:
    """What a visual of a video is made of."""
    source = video_file(path)
    frames = sorted({row[0] for row in rows})
    return Request(result(rows, frames, source=source), source, settings or Settings(), detector)


def frames_of(path: Path) -> list[Frame]:
    """All frames of a video."""
    with video_file(path).open() as video:
        return list(video.frames())


def pictures_of(path: Path) -> list[NDArray[np.uint8]]:
    """All frames of a video as RGB, uint8 [height, width, 3]."""
    with video_file(path).open() as video:
        return [frame.rgb() for frame in video.frames()]


def sound_of(path: Path) -> list[tuple[int, float, bytes]]:
    """Number of the track, presentation time and content of every packet of sound."""
    with video_file(path).open_sound() as sound:
        numbers = {stream.index: number for number, stream in enumerate(sound.streams)}
        return [
            (numbers[packet.stream.index], float(packet.pts * packet.time_base), bytes(packet))
            for packet in sound.packets()
        ]


def nothing(_share: float) -> None:
    """Take a share that is done."""

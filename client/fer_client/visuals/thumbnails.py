"""Small pictures of faces: which of a track's sightings, and the picture itself as a data URL."""

import base64
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_client.media.frame import Image
from fer_client.outputs.stored_result import StoredFaces

PER_TRACK = 4
MOST_TRACKS = 40
"""Tracks that get pictures, those first that were seen longest."""

SIDE = 112
"""Pixels of a picture, which is square."""

_MARGIN = 0.25
"""Shown around a face, as a share of its longer side."""

_QUALITY = 80


def choose_sightings(faces: StoredFaces, tracks: Sequence[int]) -> list[int]:
    """Choose up to PER_TRACK rows of each track, from parts of its time that are equally long.

    Of each part that with the largest product of detection score and side of the face; indices into `faces`.
    """
    sides = np.sqrt(np.maximum(0.0, faces.boxes_xywh[:, 2].astype(float) * faces.boxes_xywh[:, 3]))
    worth = sides * np.where(np.isnan(faces.scores), 1.0, faces.scores)
    return [
        int(part[worth[part].argmax()])
        for track in tracks[:MOST_TRACKS]
        for part in np.array_split(np.flatnonzero(faces.track == track), PER_TRACK)
        if len(part)
    ]


def crop_xyxy(box_xywh: NDArray[np.int32], size_wh: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return a square around the face with a margin, moved and cut to lie in the picture."""
    x, y, w, h = (int(value) for value in box_xywh)
    width, height = size_wh
    side = min(round(max(w, h) * (1 + 2 * _MARGIN)), width, height)
    left = min(max(0, x + w // 2 - side // 2), width - side)
    top = min(max(0, y + h // 2 - side // 2), height - side)
    return left, top, left + side, top + side


def thumbnail(bgr: Image, box_xywh: NDArray[np.int32]) -> str:
    """Cut a face out of a picture, uint8 [height, width, 3], and return it as the data URL of a JPEG."""
    left, top, right, bottom = crop_xyxy(box_xywh, (bgr.shape[1], bgr.shape[0]))
    crop = bgr[top:bottom, left:right]
    shrinks = crop.shape[0] > SIDE
    small = cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return jpeg_url(np.asarray(small, np.uint8))


def poster(bgr: Image, width: int = 480) -> str:
    """Return the picture, at most so many pixels wide, as the data URL of a JPEG."""
    share = min(1.0, width / bgr.shape[1])
    size = (max(1, round(bgr.shape[1] * share)), max(1, round(bgr.shape[0] * share)))
    return jpeg_url(np.asarray(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA), np.uint8))


def jpeg_url(bgr: Image) -> str:
    """Return a picture as the data URL of a JPEG."""
    data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
    return "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii")


def by_frame(faces: StoredFaces, sightings: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """Yield numbers of frames, rising, each with the chosen rows that stand in it."""
    frames: dict[int, list[int]] = {}
    for row in sightings:
        frames.setdefault(int(faces.frame[row]), []).append(row)
    yield from sorted(frames.items())

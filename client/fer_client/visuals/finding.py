"""Finds the faces to hide: a detector that misses less than the analysis does, and takes more for a face."""

from collections.abc import Callable

import numpy as np

from fer_client.faces.detection import FrameDetector
from fer_client.media.frame import Frame
from fer_client.media.sources import Photographs
from fer_client.visuals.hidden_faces import Boxes, find_hidden_faces
from fer_client.visuals.rereading import reread
from fer_client.visuals.visual import Request, Tick

MIN_SCORE = 0.5
"""Least score of what is hidden. Of a stage and its hall, in 35 frames, YuNet found 99 boxes so, 80 with 0.7, and 153
with 0.3, of which many were hands. In six clips of one face or none it found one that is none."""

_SMALLEST = 8
"""Least side in pixels of a face that is looked for: a smaller one tells nobody apart."""

_NOTE = "hidden faces"

HiddenIn = Callable[[Frame], Boxes]
"""Gives the boxes to hide in a frame, x, y, w, h, [N, 4], in its square pixels."""


def hidden_faces(request: Request, tick: Tick) -> HiddenIn:
    """Return what is to be hidden in each frame; of a video once for all visuals, after a reading of it."""
    detect = _detection(request)
    if isinstance(request.source, Photographs):
        return lambda frame: np.concatenate([_in_table(request, frame), detect(frame)])
    if _NOTE not in request.notes:
        with reread(request, tick) as frames:
            workers = request.settings.detection_workers
            request.notes[_NOTE] = find_hidden_faces(frames, detect, request.result.faces, workers)
    found = request.notes[_NOTE]
    return lambda frame: found.of(frame.index)


def _in_table(request: Request, frame: Frame) -> Boxes:
    faces = request.result.faces
    return faces.boxes_xywh[faces.frame == frame.index].astype(np.float32)


def _detection(request: Request) -> HiddenIn:
    """Look at the picture that the analysis saw, and at one of twice its sides: larger alone misses large faces."""
    if request.detector is None:
        return lambda _: np.zeros((0, 4), np.float32)
    choice, settings = request.detector.with_min_score(MIN_SCORE), request.settings
    side = settings.photo_side if isinstance(request.source, Photographs) else settings.detection_side
    detectors = [FrameDetector(choice, factor * side, _SMALLEST) for factor in (1, 2)]

    def detect(frame: Frame) -> Boxes:
        is_larger = max(frame.size_wh) > side
        looks = detectors[: 1 + is_larger]
        return np.concatenate([detector.detect(frame).boxes_xywh for detector in looks])

    return detect

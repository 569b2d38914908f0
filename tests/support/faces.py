"""Faces and frames that tests make up, so that what lies between two detections can be worked out by hand."""

import av
import numpy as np
from numpy.typing import NDArray

from fer_client.faces.alignment import LANDMARKS_XY, SCALE
from fer_client.faces.detection import Faces
from fer_client.media.frame import Frame, Orientation

SCENES = np.random.default_rng(3).integers(0, 255, (3, 9, 16), np.uint8).repeat(20, 1).repeat(20, 2)
"""Pictures of three shots, uint8 [180, 320], that share nothing."""


def faces(*lefts: float, score: float = 0.95) -> Faces:
    """Faces of 40×40 pixels side by side, their landmarks at the corner of the box."""
    boxes = np.array([(left, 10, 40, 40) for left in lefts], np.float32).reshape(-1, 4)
    landmarks = np.repeat(boxes[:, None, :2], 5, axis=1)
    return Faces(boxes, np.full(len(lefts), score, np.float32), landmarks)


def upright_face(left: float, top: float, side: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Box [1, 4] and landmarks [1, 5, 2] of a face whose crop is the upright square at this place."""
    centre, longer = np.array([left, top]) + side / 2, side / SCALE
    box = np.concatenate([centre - longer / 2, [longer, longer]])
    return box.astype(np.float32)[None], (np.array(LANDMARKS_XY) * side + (left, top)).astype(np.float32)[
        None
    ]


def frame(index: int, scene: int = 0, fps: float = 25) -> Frame:
    """A frame of one of the shots."""
    picture = av.VideoFrame(320, 180, "gray")
    return Frame(index, index / fps, SCENES[scene], True, picture, Orientation())

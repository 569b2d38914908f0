"""Faces and frames that tests make up, so that what lies between two detections can be worked out by hand."""

import av
import numpy as np

from fer_client.faces.detection import Faces
from fer_client.media.video import Frame, Orientation

SCENES = np.random.default_rng(3).integers(0, 255, (3, 9, 16), np.uint8).repeat(20, 1).repeat(20, 2)
"""Pictures of three shots, uint8 [180, 320], that share nothing."""


def faces(*lefts: float, score: float = 0.95) -> Faces:
    """Faces of 40×40 pixels side by side, their landmarks at the corner of the box."""
    boxes = np.array([(left, 10, 40, 40) for left in lefts], np.float32).reshape(-1, 4)
    landmarks = np.repeat(boxes[:, None, :2], 5, axis=1)
    return Faces(boxes, np.full(len(lefts), score, np.float32), landmarks)


def frame(index: int, scene: int = 0, fps: float = 25) -> Frame:
    """A frame of one of the shots."""
    picture = av.VideoFrame(320, 180, "gray")
    return Frame(index, index / fps, SCENES[scene], True, picture, Orientation())

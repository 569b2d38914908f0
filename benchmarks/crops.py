"""Crops of the faces in a video, as the client sends them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_client.errors import InputError
from fer_client.faces.alignment import cut_out
from fer_client.faces.detection import DetectorChoice, FrameDetector
from fer_client.media.sources import video_file
from fer_client.settings import Settings

MOST = 64


def video_crops(path: Path, detector: DetectorChoice, crop_shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Cut up to 64 faces, uint8 [N, *crop_shape], from frames spread over a video. Raises InputError without any."""
    settings = Settings()
    found = FrameDetector(detector, settings.detection_side, settings.min_face)
    crops: list[NDArray[np.uint8]] = []
    with video_file(path).open() as video:
        step = max(1, (video.info.frame_count or MOST) // MOST)
        for frame in video.frames(allow_corruption=True):
            if frame.index % step == 0 and len(crops) < MOST:
                crops.extend(cut_out(frame, found.detect(frame), True, crop_shape).crops)
    if not crops:
        raise InputError(f"{path}: expected faces, whose crops are sent, but none was found.")
    return np.stack(crops[:MOST])

"""A frame with its answers as the page gets them: a small JPEG, and the faces as plain numbers."""

import threading
from dataclasses import dataclass, field
from typing import Any

import cv2
from av.video.reformatter import VideoReformatter

from fer_client.live.feed import Arrival
from fer_client.temporal.frame import AnalysedFrame

JPEG_QUALITY = 80
"""Of 100: half the bytes of OpenCV's default, 95, and no difference that one sees in a moving picture."""

LEAST_WIDTH, MOST_WIDTH, _WIDTH_STEP = 320, 1280, 160
"""Widths in pixels that a page may ask for, rounded up to a step so that several pages share a picture."""


@dataclass
class Picture:
    """A frame that was analysed, and when its answer came, by `time.monotonic`."""

    analysed: AnalysedFrame
    arrival: Arrival
    answered_s: float
    _jpegs: dict[int, bytes] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def number(self) -> int:
        """The number of the frame among all that came."""
        return self.analysed.index

    def jpeg(self, width: int) -> bytes:
        """Encode the frame, no wider than `width` pixels; once for all who ask for the same width."""
        frame_width, frame_height = self.arrival.frame.size_wh
        width = min(frame_width, served_width(width))
        with self._lock:
            if width not in self._jpegs:
                height = max(1, round(frame_height * width / frame_width))
                bgr = self.arrival.frame.bgr((width, height), VideoReformatter())
                data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
                self._jpegs[width] = data.tobytes()
            return self._jpegs[width]

    def faces(self) -> list[dict[str, Any]]:
        """Describe the faces from left to right: boxes as shares of the frame, smoothed probabilities by label."""
        width, height = self.arrival.frame.size_wh
        answers, affect = self.analysed.smoothed.expression, self.analysed.smoothed.valence_arousal
        boxes = self.analysed.boxes_xywh / (width, height, width, height)
        return [
            {
                "track": track,
                "box": [round(value, 4) for value in box],
                "probabilities": [round(value, 6) for value in answers[face].tolist()],
                "affect": None
                if affect is None
                else [round(value, 2) + 0.0 for value in affect[face].tolist()],
            }
            for face, (track, box) in enumerate(zip(self.analysed.tracks, boxes.tolist(), strict=True))
        ]


def served_width(wanted: int) -> int:
    """Return the width, in pixels, of the picture for a page that shows it this wide."""
    return min(MOST_WIDTH, max(LEAST_WIDTH, -(-wanted // _WIDTH_STEP) * _WIDTH_STEP))

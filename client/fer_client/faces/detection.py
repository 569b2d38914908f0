"""Faces in an image: YuNet where its weights are found, OpenCV's Haar cascade where not."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import cv2
import cv2.data
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from fer_client.errors import UsageError
from fer_client.faces.weights import (
    MODEL_VARIABLE,
    YUNET_FILE,
    YUNET_URL,
    cached_weights,
    download_weights,
    named_weights,
)
from fer_client.media.video import Frame, Image
from fer_client.settings import DETECTORS

_MISSING = "YuNet's weights were not found and could not be downloaded."
_TINY_SIDE = 224
"""Images smaller than this are enlarged to it for the detector.

Of 798 photographs of single faces, a part of them that small, YuNet then found 779 instead of 767; with
320 pixels it found 768.
"""

_HAAR_FILE = "haarcascade_frontalface_alt2.xml"


@dataclass(frozen=True)
class Faces:
    """Faces of one image as parallel arrays, in no particular order.

    `boxes_xywh`: float32 [N, 4], left, top, width and height in square pixels of the upright frame.
    `scores`: float32 [N], the detector's confidence in [0, 1], NaN where the detector gives none.
    `landmarks_xy`: float32 [N, 5, 2], in the same pixels, as seen in the image from left to right: two
    eyes, the tip of the nose, two corners of the mouth. NaN where the detector gives none.
    """

    boxes_xywh: NDArray[np.float32]
    scores: NDArray[np.float32]
    landmarks_xy: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Check that the arrays are parallel."""
        count = len(self.scores)
        if self.boxes_xywh.shape != (count, 4):
            raise ValueError(f"expected boxes [{count}, 4], got {list(self.boxes_xywh.shape)}")
        if self.landmarks_xy.shape != (count, 5, 2):
            raise ValueError(f"expected landmarks [{count}, 5, 2], got {list(self.landmarks_xy.shape)}")


class Detector(Protocol):
    """Finds faces in one BGR image, uint8 [height, width, 3]; boxes are in that image's pixels."""

    name: str

    def detect(self, bgr: Image) -> Faces:
        """Return the faces of the image."""
        ...


class YuNet:
    """YuNet through OpenCV's FaceDetectorYN (Wu, Peng and Yu 2023, doi:10.1007/s11633-023-1423-y)."""

    name = "YuNet"

    def __init__(self, model: Path, min_score: float) -> None:
        self._net = cv2.FaceDetectorYN.create(str(model), "", (320, 320), score_threshold=min_score)

    def detect(self, bgr: Image) -> Faces:
        """Return the faces whose score reaches the minimum."""
        self._net.setInputSize((bgr.shape[1], bgr.shape[0]))
        _, found = self._net.detect(bgr)
        rows = np.empty((0, 15), np.float32) if found is None else np.asarray(found, np.float32)
        return Faces(rows[:, :4], rows[:, 14], rows[:, 4:14].reshape(-1, 5, 2))


class Haar:
    """OpenCV's bundled frontal-face cascade (Viola and Jones 2001): no download, but frontal faces only.

    Of OpenCV's three frontal cascades, `alt2` at these settings was the fastest by a fifth and gave no
    false face in 185 frames of 15 clips, where it found 103 of the 132 faces that YuNet finds.
    """

    name = "Haar cascade"

    def __init__(self) -> None:
        self._cascade = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / _HAAR_FILE))

    def detect(self, bgr: Image) -> Faces:
        """Return the faces; the cascade gives no confidence in [0, 1] and no landmarks: NaN."""
        luma = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
        found = self._cascade.detectMultiScale(luma, scaleFactor=1.2, minNeighbors=3, minSize=(20, 20))
        boxes = np.array(found, np.float32).reshape(-1, 4)
        landmarks = np.full((len(boxes), 5, 2), np.nan, np.float32)
        return Faces(boxes, np.full(len(boxes), np.nan, np.float32), landmarks)


@dataclass(frozen=True)
class DetectorChoice:
    """Which detector serves and why; `make` builds one, since OpenCV's detectors are not thread-safe.

    `is_fallback`: the weaker detector serves, unasked, for want of YuNet's weights.
    """

    name: str
    source: str
    make: Callable[[], Detector]
    is_fallback: bool = False

    def with_min_score(self, min_score: float) -> "DetectorChoice":
        """Return the same detector with another least score; the cascade has none."""
        if self.name != YuNet.name:
            return self
        return replace(self, make=lambda: YuNet(Path(self.source), min_score))

    @property
    def advice(self) -> str:
        """Say that the weaker detector serves, and how to get the better one."""
        return (
            f"{_MISSING} OpenCV's weaker {self.name} finds the faces instead: frontal ones only, and "
            f"slower. Download {YUNET_URL} and name the file with --detector-model or {MODEL_VARIABLE}."
        )


def choose_detector(kind: str, model: Path | None, min_score: float) -> DetectorChoice:
    """Choose the detector of a kind of DETECTORS.

    `yunet` looks for the weights: `model`, environment, cache, download. `auto` does so too and falls back
    on the cascade. Raises UsageError where a named file is missing or no YuNet network, or none is found.
    """
    if kind not in DETECTORS:
        raise UsageError(f"--detector must be one of {', '.join(DETECTORS)}, but is {kind}.")
    haar = DetectorChoice(Haar.name, "bundled with OpenCV", Haar, is_fallback=kind == "auto")
    if kind == "haar" and model:
        raise UsageError(
            f"--detector-model names YuNet's weights ({model}), but --detector is haar. Leave one out."
        )
    if kind == "haar":
        return haar
    named = named_weights(model)
    if named:
        _check_loads(named)
    weights = named or cached_weights() or download_weights()
    if weights is None and kind == "yunet":
        raise UsageError(f"{_MISSING} Download {YUNET_URL} and name the file with --detector-model.")
    if weights is None:
        return haar
    return DetectorChoice(YuNet.name, str(weights), lambda: YuNet(weights, min_score))


def _check_loads(model: Path) -> None:
    if not model.is_file():
        raise UsageError(f"The face detector {model} is not there. Name YuNet's ONNX file ({YUNET_FILE}).")
    cv2.utils.logging.setLogLevel(
        cv2.utils.logging.LOG_LEVEL_SILENT
    )  # else it prints lines before our sentence
    try:
        YuNet(model, 0.5).detect(np.zeros((64, 64, 3), np.uint8))
    except cv2.error as error:
        raise UsageError(
            f"The face detector {model} is no YuNet network that OpenCV can run. Name {YUNET_FILE}."
        ) from error


class FrameDetector:
    """Finds faces in frames from several threads at once: each thread gets a detector of its own.

    `longest_side` is the longer side, in pixels, of the copy that the detector sees: larger finds smaller
    faces and costs time in proportion to its square. `min_face` drops faces whose box is smaller, in
    pixels of the frame.
    """

    def __init__(self, choice: DetectorChoice, longest_side: int, min_face: int) -> None:
        self._choice = choice
        self._longest_side = longest_side
        self._min_face = min_face
        self._local = threading.local()
        cv2.setNumThreads(1)  # the frames themselves are spread over threads

    def detect(self, frame: Frame) -> Faces:
        """Return the frame's faces, boxes in pixels of the frame."""
        size_wh = detection_size(frame.size_wh, self._longest_side)
        detector, reformatter = self._tools()
        faces = detector.detect(frame.bgr(size_wh, reformatter))
        factor = np.array(frame.size_wh, np.float32) / np.array(size_wh, np.float32)
        boxes = faces.boxes_xywh * np.tile(factor, 2)
        large = (boxes[:, 2:].min(axis=1) >= self._min_face) if len(boxes) else np.zeros(0, bool)
        return Faces(boxes[large], faces.scores[large], (faces.landmarks_xy * factor)[large])

    def _tools(self) -> tuple[Detector, Any]:
        if not hasattr(self._local, "tools"):
            self._local.tools = self._choice.make(), VideoReformatter()
        tools: tuple[Detector, Any] = self._local.tools
        return tools


def detection_size(size_wh: tuple[int, int], longest_side: int) -> tuple[int, int]:
    """Size of the detector's copy: the frame's shape, shrunk to the longest side.

    A tiny image is enlarged, where `longest_side` allows: YuNet knows few faces that small.
    """
    side = min(longest_side, max(_TINY_SIDE, *size_wh))
    factor = side / max(size_wh)
    return max(16, round(size_wh[0] * factor)), max(16, round(size_wh[1] * factor))

"""Faces in an image: YuNet where its weights are found, LumaFace, which comes with the client, where not."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
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
from fer_client.media.frame import Frame, Image
from fer_client.settings import AUTO, DETECTORS, LUMAFACE, YUNET

_MISSING = "YuNet's weights were not found and could not be downloaded."
_TINY_SIDE = 224
"""Images smaller than this are enlarged to it for the detector.

Of 798 photographs of single faces, a part of them that small, YuNet then found 779 instead of 767; with
320 pixels it found 768.
"""

_LARGE_SIDE = 224
"""LumaFace looks at an image whose shorter side is longer at half the size, too: it learned faces of up to 290 pixels.
Of the same 798 photographs it then finds 95.9 % instead of 85.2 %."""

_SAME_IOU = 0.3
"""FaceDetectorYN's default."""

_LUMAFACE_WEIGHTS = Path(__file__).with_name("lumaface.onnx")


@dataclass(frozen=True)
class Faces:
    """Faces of one image as parallel arrays, in no particular order.

    `boxes_xywh`: float32 [N, 4], left, top, width and height in square pixels of the upright frame.
    `scores`: float32 [N], the detector's confidence in [0, 1], NaN where it did not look.
    `landmarks_xy`: float32 [N, 5, 2], in the same pixels, as seen in the image from left to right: two
    eyes, the tip of the nose, two corners of the mouth.
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


class Detector:
    """A network that OpenCV's FaceDetectorYN runs and decodes; not for several threads at once."""

    def __init__(self, model: Path, min_score: float, reads_luma: bool) -> None:
        # Else it prints lines before our sentences, OpenCV 5 for every detector.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        self.reads_luma = reads_luma
        self._reformatter = VideoReformatter()
        self._net = cv2.FaceDetectorYN.create(str(model), "", (320, 320), score_threshold=min_score)

    def copy(self, frame: Frame, size_wh: tuple[int, int]) -> Image:
        """Return what `detect` is given of a frame: luma, uint8 [height, width], or BGR, uint8 [height, width, 3]."""
        return frame.small_luma(size_wh) if self.reads_luma else frame.bgr(size_wh, self._reformatter)

    def detect(self, image: Image) -> Faces:
        """Return the faces whose score reaches the minimum, boxes in the image's pixels."""
        rows = self._look(image)
        if self.reads_luma and min(image.shape[:2]) > _LARGE_SIDE:
            rows = _joined(rows, self._look_at_half(image))
        return Faces(rows[:, :4], rows[:, 14], rows[:, 4:14].reshape(-1, 5, 2))

    def _look(self, image: Image) -> NDArray[np.float32]:
        self._net.setInputSize((image.shape[1], image.shape[0]))
        _, found = self._net.detect(image)
        return np.empty((0, 15), np.float32) if found is None else np.asarray(found, np.float32)

    def _look_at_half(self, image: Image) -> NDArray[np.float32]:
        height, width = image.shape[0] // 2, image.shape[1] // 2
        rows = self._look(
            np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        )
        rows[:, :14] *= np.tile([image.shape[1] / width, image.shape[0] / height], 7).astype(np.float32)
        return rows


def _joined(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Join two looks at one image, rows [N, 15]: of faces that overlap the surer one stays, as within a look."""
    rows = np.concatenate([first, second])
    kept = cv2.dnn.NMSBoxes(rows[:, :4].tolist(), rows[:, 14].tolist(), 0.0, _SAME_IOU)
    return rows[np.asarray(kept, np.intp).ravel()]


LUMAFACE_NAME, YUNET_NAME = "LumaFace", "YuNet"

BEGINS, GOES_ON = 0.25, 0.7
"""In videos, where a face is seen many times, one of LumaFace begins with a score above the least by BEGINS of what
that lacks to 1, and is followed down to GOES_ON times the least. More of what it finds with such scores are no faces,
but few of these lie where a face was a moment ago."""


@dataclass(frozen=True)
class DetectorChoice:
    """Which detector serves, and with which weights; `make` builds one for a thread.

    `is_fallback`: the weaker detector serves, unasked, for want of YuNet's weights.
    """

    name: str
    source: str
    make: Callable[[], Detector]
    is_fallback: bool = False

    def with_min_score(self, min_score: float) -> "DetectorChoice":
        """Return the same detector with another least score."""
        make = _yunet_maker(Path(self.source)) if self.name == YUNET_NAME else lumaface
        return replace(self, make=lambda: make(min_score))

    def for_videos(self, min_score: float) -> "DetectorChoice":
        """Return the detector as it looks at videos, where faces that began with `first_score` go on less surely."""
        return self.with_min_score(GOES_ON * min_score) if self.name == LUMAFACE_NAME else self

    def first_score(self, min_score: float) -> float:
        """Least score with which a face begins in a video whose least score is `min_score`."""
        return min_score + BEGINS * (1 - min_score) if self.name == LUMAFACE_NAME else min_score

    @property
    def advice(self) -> str:
        """Say that the weaker detector serves, and how to get the better one."""
        return (
            f"{_MISSING} {self.name}, which comes with the client and misses more faces, finds them instead. "
            f"Download {YUNET_URL} and name the file with --detector-model or {MODEL_VARIABLE}."
        )


def lumaface(min_score: float) -> Detector:
    """Make the detector whose weights come with this package: docs/model-card.md says how it was trained."""
    return Detector(_LUMAFACE_WEIGHTS, min_score, reads_luma=True)


def choose_detector(kind: str, model: Path | None, min_score: float) -> DetectorChoice:
    """Choose the detector of a kind of DETECTORS.

    `yunet` (Wu, Peng and Yu 2023, doi:10.1007/s11633-023-1423-y) looks for the weights: `model`, environment, cache,
    download. `auto` does so too and falls back on LumaFace. Raises UsageError where a named file is missing or no YuNet
    network, or none is found.
    """
    if kind not in DETECTORS:
        raise UsageError(f"--detector must be one of {', '.join(DETECTORS)}, but is {kind}.")
    own = DetectorChoice(
        LUMAFACE_NAME, str(_LUMAFACE_WEIGHTS), lambda: lumaface(min_score), is_fallback=kind == AUTO
    )
    if kind == LUMAFACE and model:
        raise UsageError(
            f"--detector-model names YuNet's weights ({model}), but --detector is {kind}. Leave one out."
        )
    if kind == LUMAFACE:
        return own
    named = named_weights(model)
    if named:
        _check_loads(named)
    weights = named or cached_weights() or download_weights()
    if weights is None and kind == YUNET:
        raise UsageError(f"{_MISSING} Download {YUNET_URL} and name the file with --detector-model.")
    if weights is None:
        return own
    make = _yunet_maker(weights)
    return DetectorChoice(YUNET_NAME, str(weights), lambda: make(min_score))


def _yunet_maker(model: Path) -> Callable[[float], Detector]:
    return lambda min_score: Detector(model, min_score, reads_luma=False)


def _check_loads(model: Path) -> None:
    if not model.is_file():
        raise UsageError(f"The face detector {model} is not there. Name YuNet's ONNX file ({YUNET_FILE}).")
    try:
        _yunet_maker(model)(0.5).detect(np.zeros((64, 64, 3), np.uint8))
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
        detector = self._detector()
        faces = detector.detect(detector.copy(frame, size_wh))
        factor = np.array(frame.size_wh, np.float32) / np.array(size_wh, np.float32)
        boxes = faces.boxes_xywh * np.tile(factor, 2)
        large = (boxes[:, 2:].min(axis=1) >= self._min_face) if len(boxes) else np.zeros(0, bool)
        return Faces(boxes[large], faces.scores[large], (faces.landmarks_xy * factor)[large])

    def _detector(self) -> Detector:
        if not hasattr(self._local, "detector"):
            self._local.detector = self._choice.make()
        detector: Detector = self._local.detector
        return detector


def detection_size(size_wh: tuple[int, int], longest_side: int) -> tuple[int, int]:
    """Size of the detector's copy: the frame's shape, shrunk to the longest side.

    A tiny image is enlarged, where `longest_side` allows: detectors know few faces that small.
    """
    side = min(longest_side, max(_TINY_SIDE, *size_wh))
    factor = side / max(size_wh)
    return max(16, round(size_wh[0] * factor)), max(16, round(size_wh[1] * factor))

"""Is everything there that an analysis needs, and does it fit together? Answers in plain words."""

import importlib.metadata
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from fer_client.errors import FerError
from fer_client.faces.detection import choose_detector
from fer_client.inference.client import InferenceClient
from fer_client.inference.server import find_server
from fer_client.media.images import picture_frame
from fer_client.printable import counted
from fer_client.settings import AUTO, usable_cores

_CODECS = ("h264", "hevc", "vp9", "av1", "mpeg4")
_PACKAGES = ("av", "numpy", "opencv-python-headless", "tritonclient", "grpcio")
_CHECK_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Finding:
    """One line of the report; `exit_code` is 0, or that of the error which an analysis would end with."""

    subject: str
    text: str
    exit_code: int = 0
    is_warning: bool = False


def examine(url: str | None, detector_model: Path | None, notify: Callable[[str], None]) -> Iterator[Finding]:
    """Check the packages, the video library, the face detector, the server and the served models, in turn."""
    yield _packages()
    yield _video_library()
    yield _attempt("detector", lambda: _detector(detector_model))
    yield from _server(url, notify)


def _attempt(subject: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except FerError as error:
        return Finding(subject, str(error), error.exit_code)


def _packages() -> Finding:
    versions = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)
    return Finding("packages", f"Python {platform.python_version()} with {versions}")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "of another build"  # another wheel of OpenCV, say


def _video_library() -> Finding:
    missing = [name for name in _CODECS if name not in av.codecs_available]
    ffmpeg = ".".join(str(part) for part in av.library_versions["libavcodec"])
    if missing:
        return Finding(
            "video", f"FFmpeg (libavcodec {ffmpeg}) lacks decoders for {', '.join(missing)}", is_warning=True
        )
    return Finding(
        "video",
        f"FFmpeg (libavcodec {ffmpeg}) decodes {', '.join(_CODECS)}; {counted(usable_cores(), 'processor')}",
    )


def _detector(model: Path | None) -> Finding:
    choice = choose_detector(AUTO, model, 0.5)
    detector = choice.make()
    detector.detect(detector.copy(picture_frame(0, 0.0, np.zeros((64, 64, 3), np.uint8)), (64, 64)))
    if choice.is_fallback:
        return Finding("detector", choice.advice, is_warning=True)
    return Finding("detector", f"{choice.name} from {choice.source}")


def _server(url: str | None, notify: Callable[[str], None]) -> Iterator[Finding]:
    try:
        with (
            find_server(url, notify) as server,
            InferenceClient(server.url, _CHECK_TIMEOUT_S, server.access) as client,
        ):
            contract = client.read_contract()
            yield Finding("server", f"{client.server_version()} is ready at {server.url}")
            crops = np.zeros((1, *contract.crop_shape), np.uint8)
            answer = client.submit(crops, contract).result()
    except FerError as error:
        yield Finding("server", str(error), error.exit_code)
        return
    affect = " and gives valence and arousal" if contract.has_valence_arousal else ""
    shape = "×".join(str(size) for size in contract.crop_shape)
    yield Finding(
        "models",
        f"fer {contract.version} takes UINT8 crops of {shape}, up to {contract.max_batch_size} at once, and tells "
        f"{', '.join(contract.labels)} apart{affect}; a test crop's probabilities sum to {answer.expression.sum():.4f}",
    )

"""YuNet's weights: where they are looked for, and how they come into the user's cache."""

import hashlib
import os
from pathlib import Path

import platformdirs

YUNET_FILE = "face_detection_yunet_2023mar.onnx"
YUNET_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
YUNET_URL = f"https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/{YUNET_FILE}"
MODEL_VARIABLE = "FER_DETECTOR_MODEL"

_DOWNLOAD_TIMEOUT_S = 10.0


def named_weights(model: Path | None) -> Path | None:
    """Return the file that the caller or the environment names, whether or not it is there."""
    variable = os.environ.get(MODEL_VARIABLE)
    return model or (Path(variable) if variable else None)


def cache_path() -> Path:
    """Where the downloaded weights are kept: in the folder that `fer_server.environment.cache_folder` gives too."""
    return platformdirs.user_cache_path("fer-triton") / YUNET_FILE


def cached_weights() -> Path | None:
    """Return the cached weights, None where they are not there or their checksum is another."""
    path = cache_path()
    try:
        return path if _is_whole(path.read_bytes()) else None
    except OSError:
        return None


def download_weights() -> Path | None:
    """Fetch the weights from OpenCV's model zoo into the cache; None where that fails or the checksum is another."""
    import urllib.request  # once in a user's life
    from http.client import HTTPException

    path = cache_path()
    partial = path.with_suffix(f".{os.getpid()}.partial")
    try:
        with urllib.request.urlopen(YUNET_URL, timeout=_DOWNLOAD_TIMEOUT_S) as response:
            data = response.read()
        if not _is_whole(data):
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(path)
    except (OSError, HTTPException):
        return None
    return path


def _is_whole(data: bytes) -> bool:
    return hashlib.sha256(data).hexdigest() == YUNET_SHA256

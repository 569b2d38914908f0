"""Photographs with something drawn on each, as files of their own: pixels alone, nothing of the originals' metadata."""

from pathlib import Path

import cv2

from fer_client.media.frame import Image
from fer_client.media.images import picture_frame, read_picture
from fer_client.media.sources import Photographs
from fer_client.visuals.canvas import Canvas
from fer_client.visuals.rereading import check_is_same
from fer_client.visuals.video_copy import Draw
from fer_client.visuals.visual import Request, Tick

_JPEG_QUALITY = 95
_JPEG = (".jpg", ".jpeg")
_LOSSY = (".avif", ".heic", ".heif", ".jp2", ".webp")


def write_photograph_copies(request: Request, folder: Path, tick: Tick, draw: Draw) -> None:
    """Write every photograph that could be read, upright, to a new folder. Raises InputError and OSError."""
    source, unreadable = request.source, request.result.summary["unreadable"]
    assert isinstance(source, Photographs)
    folder.mkdir()
    for index, path in enumerate(source.paths):
        tick(index / len(source.paths))
        if path.name not in unreadable:
            picture = read_picture(path)
            draw(Canvas.of_bgr(picture), picture_frame(index, 0.0, picture), (1.0, 1.0))
            _write(folder / copy_name(path.name), picture)
    check_is_same(request)


def copy_name(name: str) -> str:
    """Name the copy: as the photograph where that is JPEG or PNG, else with `.jpg` or `.png` added."""
    suffix = Path(name).suffix.lower()
    if suffix in (*_JPEG, ".png"):
        return name
    return f"{name}.jpg" if suffix in _LOSSY else f"{name}.png"


def _write(path: Path, picture: Image) -> None:
    suffix = path.suffix.lower()
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if suffix in _JPEG else []
    _, data = cv2.imencode(suffix, picture, options)
    path.write_bytes(data.tobytes())

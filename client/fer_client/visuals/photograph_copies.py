"""Photographs with something drawn on each, as files of their own: pixels alone, nothing of the originals' metadata."""

import itertools
from collections.abc import Collection, Sequence
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
_LOSSY = (".avif", ".heic", ".heif", ".jfif", ".jp2", ".mpo", ".webp")


def write_photograph_copies(request: Request, folder: Path, tick: Tick, draw: Draw) -> None:
    """Write every photograph that could be read, upright, to a new folder. Raises InputError and OSError."""
    source, unreadable = request.source, request.result.summary["unreadable"]
    assert isinstance(source, Photographs)
    folder.mkdir()
    names = copy_names([path.name for path in source.paths])
    for index, (path, name) in enumerate(zip(source.paths, names, strict=True)):
        tick(index / len(source.paths))
        if path.name not in unreadable:
            picture = read_picture(path, source.most_pixels)
            draw(Canvas.of_bgr(picture), picture_frame(index, 0.0, picture), (1.0, 1.0))
            _write(folder / name, picture)
    check_is_same(request)


def copy_names(names: Sequence[str]) -> list[str]:
    """Name the copies: as photographs that are JPEG or PNG, the others with `.jpg` or `.png` added.

    Where another copy has that name, the next free number comes before the dot.
    """
    taken = {name.casefold() for name in names if _keeps_its_name(name)}
    copies = []
    for name in names:
        copies.append(name if _keeps_its_name(name) else _free_name(name, taken))
        taken.add(copies[-1].casefold())
    return copies


def _keeps_its_name(name: str) -> bool:
    return Path(name).suffix.lower() in (*_JPEG, ".png")


def _free_name(name: str, taken: Collection[str]) -> str:
    suffix = ".jpg" if Path(name).suffix.lower() in _LOSSY else ".png"
    numbers = (f"{name}-{number}{suffix}" for number in itertools.count(2))
    return next(free for free in itertools.chain([name + suffix], numbers) if free.casefold() not in taken)


def _write(path: Path, picture: Image) -> None:
    suffix = path.suffix.lower()
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if suffix in _JPEG else []
    _, data = cv2.imencode(suffix, picture, options)
    path.write_bytes(data.tobytes())

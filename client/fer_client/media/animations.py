"""Pictures that move: animated PNG and AVIF, which FFmpeg reads as videos, and WebP, which nothing here reads."""

import io
import struct
from pathlib import Path
from typing import BinaryIO

from fer_client.media.wholeness import PNG


def is_animated_png(path: Path) -> bool:
    """Whether a file is a PNG of several pictures; False also where it cannot be read."""
    try:
        with path.open("rb") as file:
            return _pictures_of_png(file) > 1
    except OSError:
        return False


def is_animated_avif(path: Path) -> bool:
    """Whether a file is an AVIF of several pictures, by its main brand (AVIF 1.2); False where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(12)[4:] == b"ftypavis"
    except OSError:
        return False


def count_pictures(data: bytes) -> int:
    """Count the pictures in an animation by what it states; 1 for everything that is none."""
    file = io.BytesIO(data)
    return max(1, _pictures_of_png(file), _pictures_of_webp(file))


def _pictures_of_png(file: BinaryIO) -> int:
    """Read the chunk acTL, which stands before the first picture (PNG, third edition)."""
    file.seek(0)
    if file.read(8) != PNG:
        return 0
    while len(header := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", header)
        if kind == b"acTL":
            return int.from_bytes(file.read(4))
        if kind == b"IDAT":
            return 0
        file.seek(length + 4, io.SEEK_CUR)
    return 0


def _pictures_of_webp(file: BinaryIO) -> int:
    """Count the chunks ANMF of a file whose header has the animation's flag (RFC 9649)."""
    file.seek(0)
    head = file.read(30)
    if not (head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and len(head) == 30 and head[20] & 2):
        return 0
    count, place = 0, 30
    while len(header := _chunk(file, place)) == 8:
        kind, length = struct.unpack("<4sI", header)
        count += kind == b"ANMF"
        place += 8 + length + length % 2
    return count


def _chunk(file: BinaryIO, place: int) -> bytes:
    file.seek(place)
    return file.read(8)

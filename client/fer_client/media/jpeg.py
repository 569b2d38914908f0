"""JPEG files with a hole: where a disk or a network lost a block, zeros stand, and decoders paint over them."""

import io

import av
from av.error import FFmpegError

_HOLE, _END = bytes(64), b"\xff\xd9"
_SCAN, _TABLES, _SEQUENTIAL = 0xDA, 0xC4, (0xC0, 0xC1)
_END_OF_BLOCK = 0


def has_hole(data: bytes) -> bool:
    """Whether zeros stand in a JPEG's coded picture that no encoder writes there."""
    if not data.startswith(b"\xff\xd8") or _HOLE not in data:
        return False
    scan, zeros_are_no_picture = _first_scan(data)
    if scan is None or data.find(_HOLE, scan, data.find(_END, scan)) < 0:  # beyond the end anything may stand
        return False
    return zeros_are_no_picture or not _decodes_strictly(data)


def _first_scan(data: bytes) -> tuple[int | None, bool]:
    """Return where the coded picture starts, and whether a run of zeros can be no part of it.

    Zeros are the first code of each table. Where that ends no block, they stand for one and the same pattern of all
    frequencies, block after block. It takes a sequential picture whose components alternate, as nearly all are.
    """
    components, first_symbols, place = 0, set[int](), 2
    while place + 10 <= len(data) and data[place] == 0xFF:
        marker, length = data[place + 1], int.from_bytes(data[place + 2 : place + 4])
        if marker == _SCAN:
            return place + 2 + length, data[place + 4] == components and bool(first_symbols - {_END_OF_BLOCK})
        if marker == _TABLES:
            first_symbols |= _first_ac_symbols(data[place + 4 : place + 2 + length])
        elif marker in _SEQUENTIAL:
            components = data[place + 9]
        place += 2 + length
    return None, False


def _first_ac_symbols(tables: bytes) -> set[int]:
    """ITU-T T.81, B.2.4.2: a table is its class and number, how many codes there are of each length, and symbols."""
    symbols, place = set[int](), 0
    while place + 17 < len(tables):
        if tables[place] >> 4:
            symbols.add(tables[place + 17])
        place += 17 + sum(tables[place + 1 : place + 17])
    return symbols


def _decodes_strictly(data: bytes) -> bool:
    """Whether FFmpeg decodes all of it where it is told to look for errors."""
    try:
        with av.open(io.BytesIO(data), "r", format="jpeg_pipe") as container:
            container.streams.video[0].codec_context.options = {"err_detect": "explode"}
            return any(True for _ in container.decode(video=0))
    except (FFmpegError, ValueError, IndexError):
        return False

"""HEIF photographs in tiles, as phones take them (ISO/IEC 23008-12), from parts that PyAV encodes."""

import struct
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from support.videos import write_video

_GRID, _FIRST_TILE = 1, 2
"""Numbers of the items."""


def write_tiles(path: Path, bgr: NDArray[np.uint8], tile: int, quarter_turns: int = 0) -> None:
    """Write a picture, uint8 [height, width, 3], as a grid of square tiles; its sides are multiples of `tile`.

    `quarter_turns` counter-clockwise make it upright.
    """
    _write(path, bgr, tile, quarter_turns, _GRID)


def write_whole(path: Path, bgr: NDArray[np.uint8], quarter_turns: int = 0) -> None:
    """Write a square picture, uint8 [side, side, 3], in one piece, which a grid refers to as well."""
    _write(path, bgr, len(bgr), quarter_turns, _FIRST_TILE)


def _write(path: Path, bgr: NDArray[np.uint8], tile: int, quarter_turns: int, primary: int) -> None:
    rows, columns = bgr.shape[0] // tile, bgr.shape[1] // tile
    split = bgr.reshape(rows, tile, columns, tile, 3).swapaxes(1, 2).reshape(-1, tile, tile, 3)
    decoder, tiles = _encoded(path.with_suffix(".mp4"), split)
    grid = struct.pack(">4B2H", 0, 0, rows - 1, columns - 1, bgr.shape[1], bgr.shape[0])
    sizes = [_size(tile, tile), _size(bgr.shape[1], bgr.shape[0])]
    properties = _box(b"ipco", decoder, *sizes, _box(b"irot", bytes([quarter_turns])))
    head = _box(b"ftyp", b"heic", bytes(4), b"mif1heic")
    lengths = [len(grid), *map(len, tiles)]
    start = len(head) + len(_meta(primary, lengths, properties, 0)) + 8
    path.write_bytes(head + _meta(primary, lengths, properties, start) + _box(b"mdat", grid, *tiles))


def _encoded(path: Path, tiles: NDArray[np.uint8]) -> tuple[bytes, list[bytes]]:
    """Return the box that sets up a decoder, and each tile's data."""
    write_video(path, list(tiles), codec="libx265", gop=1)
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    data = path.read_bytes()
    path.unlink()
    place = data.index(b"hvcC") - 4
    return data[place : place + struct.unpack(">I", data[place : place + 4])[0]], packets


def _meta(primary: int, lengths: Sequence[int], properties: bytes, start: int) -> bytes:
    """Describe the items: the grid, and the tiles, whose data follow each other from byte `start` on."""
    tiles = range(_FIRST_TILE, _FIRST_TILE + len(lengths) - 1)
    kinds = {_GRID: b"grid"} | dict.fromkeys(tiles, b"hvc1")
    infos = [struct.pack(">2H4sB", number, 0, kind, 0) for number, kind in kinds.items()]
    return _full_box(
        b"meta",
        _full_box(b"hdlr", bytes(4), b"pict", bytes(13)),
        _full_box(b"pitm", struct.pack(">H", primary)),
        _full_box(
            b"iinf", struct.pack(">H", len(kinds)), *(_full_box(b"infe", info, version=2) for info in infos)
        ),
        _full_box(b"iref", _box(b"dimg", struct.pack(f">{2 + len(tiles)}H", _GRID, len(tiles), *tiles))),
        _box(b"iprp", properties, _properties_of_each(primary, list(kinds))),
        _places(lengths, start),
    )


def _properties_of_each(primary: int, numbers: Sequence[int]) -> bytes:
    """Say by their places which properties an item has: 1 decoder, 2 and 3 sizes, 4 rotation; 128 makes it a must."""
    entries = []
    for number in numbers:
        own = bytes([3] if number == _GRID else [0x81, 2]) + bytes([0x84] if number == primary else [])
        entries.append(struct.pack(">HB", number, len(own)) + own)
    return _full_box(b"ipma", struct.pack(">I", len(entries)), *entries)


def _places(lengths: Sequence[int], start: int) -> bytes:
    """Say where each item's data stands; offsets and lengths of 4 bytes."""
    entries = []
    for number, length in enumerate(lengths, _GRID):
        entries.append(struct.pack(">3H2I", number, 0, 1, start, length))
        start += length
    return _full_box(b"iloc", struct.pack(">BBH", 0x44, 0, len(lengths)), *entries)


def _size(width: int, height: int) -> bytes:
    return _full_box(b"ispe", struct.pack(">2I", width, height))


def _box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _full_box(kind: bytes, *parts: bytes, version: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", version << 24), *parts)

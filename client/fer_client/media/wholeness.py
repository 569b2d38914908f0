"""Whether a file is as long as its own structure says: FFmpeg reads many that are cut off without a word.

Looks at sizes and end markers alone, and decodes nothing. What a form does not state, or states as unknown as
recordings to a pipe do, is never held against a file; neither is what follows its end.
"""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

PNG = b"\x89PNG\r\n\x1a\n"

_BOXES = frozenset(
    b"ftyp moov mdat free skip wide moof mfra sidx ssix styp udta meta uuid pnot emsg prft pdin PICT".split()
)
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_MXF = bytes.fromhex("060e2b34020501010d01020101")
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_OGG_PAGE_BYTES = 65_307
_MOST_PARTS = 1_000_000
"""A file made to be slow to walk through is not walked to its end."""

_Y4M_FRAME = b"FRAME\n"
_Y4M_BITS = {b"420": 12, b"420jpeg": 12, b"420mpeg2": 12, b"420paldv": 12, b"422": 16, b"444": 24, b"mono": 8}
"""Bits per pixel of the kinds of colour, at 8 bits a sample."""

_RIFF_SLACK = 9
"""Some writers count the header of a RIFF chunk, and all but a few the byte that makes it even."""


def missing_part(path: Path) -> str | None:
    """Say what is missing at the end of a file by its own structure; None where nothing is known to be.

    Raises OSError where the file cannot be read.
    """
    with path.open("rb") as file:
        return missing_from(file)


def missing_from(file: BinaryIO) -> str | None:
    """Say the same of an open file, which may be an `io.BytesIO`."""
    size = file.seek(0, io.SEEK_END)
    head = _at(file, 0, 400)
    for is_form, check in _FORMS:
        if is_form(head):
            return check(file, size)
    return None


def _at(file: BinaryIO, place: int, count: int) -> bytes:
    file.seek(place)
    return file.read(count)


def _shorter(size: int, stated: int) -> str | None:
    return f"the file has {size:,} of the {stated:,} bytes that it states" if stated > size else None


def _shorter_than_least(size: int, least: int) -> str | None:
    """The same where more may have followed the part whose end is stated."""
    return f"the file has {size:,} of at least {least:,} bytes" if least > size else None


def _boxes(file: BinaryIO, size: int) -> str | None:
    """ISO 14496-12, and QuickTime: a box is its length, its kind and what it holds."""
    place = 0
    for _ in range(_MOST_PARTS):
        if len(header := _at(file, place, 16)) < 8:
            return _shorter_than_least(size, place)
        length, kind = struct.unpack_from(">I4s", header)
        if length == 1 and len(header) == 16:
            (length,) = struct.unpack_from(">Q", header, 8)
        if kind not in _BOXES or length < 8:  # 0: up to the end
            return None
        place += length
    return None


def _riff(file: BinaryIO, size: int) -> str | None:
    place = 0
    for _ in range(_MOST_PARTS):
        header = _at(file, place, 8)
        if len(header) < 8 or not header.startswith(b"RIFF"):
            break
        place += 8 + int.from_bytes(header[4:], "little")
    return _shorter(size, place) if place > size + _RIFF_SLACK else None


def _matroska(file: BinaryIO, size: int) -> str | None:
    """RFC 8794: the segment's size, unknown where all of its bits are set."""
    length, place = _ebml_size(_at(file, 4, 8))
    place += 4 + (length or 0)
    if _at(file, place, 4) != _SEGMENT:
        return None
    length, width = _ebml_size(_at(file, place + 4, 8))
    return None if length is None else _shorter(size, place + 4 + width + length)


def _ebml_size(data: bytes) -> tuple[int | None, int]:
    """Return a size, None for an unknown one, and how many bytes it takes."""
    width = 9 - data[0].bit_length() if data and data[0] else 0
    if not 1 <= width <= len(data):
        return None, 0
    most = (1 << 7 * width) - 1
    value = int.from_bytes(data[:width]) & most
    return (None if value == most else value), width


def _png(file: BinaryIO, size: int) -> str | None:
    place = len(PNG)
    for _ in range(_MOST_PARTS):
        header = _at(file, place, 8)
        if len(header) < 8:
            return _shorter_than_least(size, place) or "its end marker is missing"
        length, kind = struct.unpack(">I4s", header)
        place += 12 + length
        if kind == b"IEND":
            return _shorter(size, place)
    return None


def _gif(file: BinaryIO, _size: int) -> str | None:
    """GIF89a: pictures and extensions, each with blocks of up to 255 bytes, and a trailer."""
    flags = _at(file, 10, 1)
    file.seek(13 + _colours(flags))
    parts = iter(range(_MOST_PARTS))
    for _ in parts:
        kind = file.read(1)
        if not kind:
            return "its end marker is missing"
        if kind == b";":
            return None
        if kind == b",":
            file.seek(_colours(file.read(9)[8:]) + 1, io.SEEK_CUR)
        elif kind == b"!":
            file.seek(1, io.SEEK_CUR)
        else:
            return None
        for _ in parts:
            length = file.read(1)
            if length in (b"", b"\0"):
                break
            file.seek(length[0], io.SEEK_CUR)
    return None


def _colours(flags: bytes) -> int:
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0


def _asf(file: BinaryIO, size: int) -> str | None:
    properties = _at(file, 0, 1 << 16).partition(_ASF_PROPERTIES)[2]
    if len(properties) < 76 or properties[72] & 1:  # broadcast: written while nobody knew the end
        return None
    return _shorter(size, int.from_bytes(properties[24:32], "little"))


def _mxf(file: BinaryIO, size: int) -> str | None:
    """SMPTE 377: the header says where the footer begins."""
    head = _at(file, 0, 64)
    place = 17 + (head[16] & 0x7F if head[16:] and head[16] & 0x80 else 0)
    return _shorter_than_least(size, int.from_bytes(head[place + 24 : place + 32]))


def _ogg(file: BinaryIO, size: int) -> str | None:
    """RFC 3533: the last page states the lengths of its segments."""
    end = _at(file, max(0, size - _OGG_PAGE_BYTES), _OGG_PAGE_BYTES)
    page = end[end.rfind(b"OggS") :]
    count = page[26] if len(page) > 26 else 0
    length = 27 + count + sum(page[27 : 27 + count])
    return "the file ends inside a page" if len(page) < length else None


def _transport(file: BinaryIO, size: int) -> str | None:
    """ISO 13818-1: packets of 188 bytes, on discs with 4 before each."""
    length = 188 if _at(file, 188, 1) == b"G" else 192
    return "the file ends inside a packet" if size % length else None


def _is_transport(head: bytes) -> bool:
    return any(
        len(head) > first + 2 * step and {*head[first::step]} == {0x47}
        for first, step in ((0, 188), (4, 192))
    )


def _y4m(file: BinaryIO, size: int) -> str | None:
    """YUV4MPEG2: a line of parameters, then frames of one size, each after a line of its own."""
    head = _at(file, 0, 400).partition(b"\n")[0]
    stated = {word[:1]: word[1:] for word in head.split()[1:]}
    colour, is_deep, _ = stated.get(b"C", b"420").partition(b"p1")
    bits = _Y4M_BITS.get(colour, 0) * (2 if is_deep else 1)
    width, height = (int(stated[side]) if stated.get(side, b"").isdigit() else 0 for side in (b"W", b"H"))
    first = _at(file, len(head) + 1, len(_Y4M_FRAME))
    if width % 2 or height % 2 or not bits * width * height or first != _Y4M_FRAME:
        return None
    frame = len(_Y4M_FRAME) + width * height * bits // 8
    return "the file ends inside a frame" if (size - len(head) - 1) % frame else None


def _begins(*marks: bytes, at: int = 0) -> Callable[[bytes], bool]:
    return lambda head: head[at:].startswith(marks)


_FORMS: tuple[tuple[Callable[[bytes], bool], Callable[[BinaryIO, int], str | None]], ...] = (
    (_begins(PNG), _png),
    (_begins(b"GIF87a", b"GIF89a"), _gif),
    (_begins(b"RIFF"), _riff),
    (_begins(_EBML), _matroska),
    (_begins(*_BOXES, at=4), _boxes),
    (_begins(_ASF), _asf),
    (_begins(_MXF), _mxf),
    (_begins(b"OggS"), _ogg),
    (_begins(b"YUV4MPEG2 "), _y4m),
    (_is_transport, _transport),
)

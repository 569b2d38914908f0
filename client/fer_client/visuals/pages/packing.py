"""Columns of whole numbers made small, for `assets/unpack.js` to read again.

Of each column the differences are taken, folded to whole numbers from 0 (zigzag), and their bytes laid out plane by
plane, the lowest first, which DEFLATE (RFC 1951) then makes small: what changes little from row to row takes few bits.
"""

import base64
import gzip
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_WIDTHS = (1, 2, 4, 8)
"""Bytes that a difference may take."""

_LEVEL = 6
"""Of zlib; 9 made an hour of ten faces 1 % smaller in four times the time."""


@dataclass(frozen=True)
class Packed:
    """`columns`: for each its name, how many values, and the bytes of a difference. `text`: base64."""

    columns: tuple[tuple[str, int, int], ...]
    text: str


def pack(columns: Mapping[str, NDArray[np.int64]]) -> Packed:
    """Pack columns of whole numbers, int64 [N], N its own for each, below 2^52 in size."""
    parts = {name: _differences(values) for name, values in columns.items()}
    described = tuple((name, len(part), part.itemsize) for name, part in parts.items())
    return Packed(described, compressed(b"".join(_planes(part) for part in parts.values())))


def compressed(data: bytes) -> str:
    """Return the bytes as base64 of their gzip form, the same each time."""
    return base64.b64encode(gzip.compress(data, _LEVEL, mtime=0)).decode("ascii")


def quantised(values: NDArray[np.floating], step: float) -> NDArray[np.int64]:
    """Count steps: int64 [N]. Whoever multiplies by `step` again is off by half a step at most."""
    return np.rint(np.asarray(values, np.float64) / step).astype(np.int64)


def _differences(values: NDArray[np.int64]) -> NDArray[np.unsignedinteger]:
    """Fold differences as 0, -1, 1, -2, … to 0, 1, 2, 3, …, in the least bytes; the first is from 0."""
    steps: NDArray[np.int64] = np.diff(np.asarray(values, np.int64), prepend=np.int64(0))
    folded = (steps << 1) ^ (steps >> 63)
    most = int(folded.max(initial=0))
    width = next(width for width in _WIDTHS if most < 256**width)
    return folded.astype(f"<u{width}")


def _planes(part: NDArray[np.unsignedinteger]) -> bytes:
    return part.view(np.uint8).reshape(-1, part.itemsize).T.tobytes()

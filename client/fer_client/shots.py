"""Where one shot ends and the next begins: two frames after each other that share no structure."""

import math

import numpy as np
from numpy.typing import NDArray

from fer_client.video import Image

_SIDES_WH = (64, 36)
_LEAST_CORRELATION = 0.5
_LEAST_DIFFERENCE = 6.0
"""Over 3,500 frames of 16 clips with five cuts, frames across a cut correlate at most by 0.26 and differ by at
least 22 of 255; frames of one shot, with pans and a hand before the lens, correlate at least by 0.73. The
difference keeps the noise of two black frames from counting as a cut."""


def thumbnail(luma: Image) -> NDArray[np.float32]:
    """Shrink a luma picture, uint8 [height, width], to float32 [18, 32] (at most) for `is_cut`.

    Samples a grid and averages four neighbours, at a tenth of the cost of the mean over all pixels.
    """
    rows, columns = (max(1, length // side) for length, side in zip(luma.shape, _SIDES_WH[::-1], strict=True))
    grid = luma[rows // 2 :: rows, columns // 2 :: columns][: _SIDES_WH[1], : _SIDES_WH[0]]
    grid = grid[: grid.shape[0] // 2 * 2, : grid.shape[1] // 2 * 2].astype(np.float32)
    blocks = grid[::2, ::2] + grid[1::2, ::2] + grid[::2, 1::2] + grid[1::2, 1::2]
    return np.asarray(blocks / 4, np.float32)


def is_cut(before: NDArray[np.float32], after: NDArray[np.float32]) -> bool:
    """Whether the thumbnails of two frames, one after the other, belong to different shots."""
    if before.shape != after.shape:
        return True
    if float(np.abs(after - before).mean()) < _LEAST_DIFFERENCE:
        return False
    first, second = (picture.ravel() - picture.mean() for picture in (before, after))
    scale = math.sqrt(float(first @ first) * float(second @ second))
    return float(first @ second) < _LEAST_CORRELATION * scale or scale == 0

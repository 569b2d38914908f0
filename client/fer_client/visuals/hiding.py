"""Faces made unrecognisable: each is replaced by one colour, of which no detail can be won back.

A mosaic or a blur keeps a small picture of the face, and many frames of one give away more than one does
(McPherson, Shokri and Shmatikov 2016, arXiv:1609.00408, recognise mosaics and blurs by networks).
"""

import numpy as np
from numpy.typing import NDArray

from fer_client.visuals.canvas import Area, Canvas

_MARGIN = 1.36
"""Sides of what is hidden ÷ sides of the box, which reaches from the brows to the chin."""

_POWER = 4
"""Of the superellipse |x|^4 + |y|^4 = 1, whose corners are round. It holds a box of 1.36 ÷ 2^(1/4) = 1.14 sides."""


def hide(
    canvas: Canvas, boxes_xywh: NDArray[np.float32], factor_xy: tuple[float, float] = (1.0, 1.0)
) -> None:
    """Cover the faces in boxes, [N, 4], each with a margin; the factors are those to pixels of the canvas."""
    for x, y, width, height in boxes_xywh * np.tile(factor_xy, 2):
        half_x, half_y = _MARGIN * width / 2, _MARGIN * height / 2
        centre_x, centre_y = x + width / 2, y + height / 2
        area = Area(
            int(np.floor(centre_x - half_x)),
            int(np.floor(centre_y - half_y)),
            int(np.ceil(centre_x + half_x)),
            int(np.ceil(centre_y + half_y)),
        )
        across = (np.arange(area.left, area.right) + 0.5 - centre_x) / max(half_x, 0.5)
        down = (np.arange(area.top, area.bottom) + 0.5 - centre_y) / max(half_y, 0.5)
        radius = across[None] ** _POWER + down[:, None] ** _POWER
        canvas.cover(area, np.asarray(radius <= 1, np.float32))

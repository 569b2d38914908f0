"""Small plates with antialiased text in the ink that stands out on their colour, and a bar below the first line."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_client.palette import ink_on, rgb
from fer_client.visuals.canvas import Sprite

_FONT = cv2.FONT_HERSHEY_DUPLEX
_OVERSAMPLING = 4
"""OpenCV's letters are strokes of whole pixels: drawn larger and averaged, they come out smooth."""

_TALLEST = "|("
"""From OpenCV 5 on, a word's height is that of its own letters."""

_OPACITY = 0.92
_TRACK_OPACITY = 0.28
_GAP = 0.4
_STROKE = 0.13
_BAR = 0.28
_SPACE = 0.4
"""In heights of a capital letter."""


@dataclass(frozen=True)
class Plate:
    """What stands on a plate: one or two lines, the share in [0, 1] that its bar fills, and its colour `#RRGGBB`.

    `capital` is the height of a capital letter in pixels. The bar is as long as the first line is, at `share` 1.
    """

    lines: tuple[str, ...]
    share: float
    colour: str
    capital: int


@lru_cache(maxsize=48)  # one on a 4K picture takes more than a megabyte
def render(plate: Plate) -> Sprite:
    """Draw a plate."""
    lines = [_text(line, plate.capital) for line in plate.lines]
    gap, bar = (max(1, round(plate.capital * part)) for part in (_GAP, _BAR))
    width = max(line.shape[1] for line in lines) + 2 * gap
    height = sum(line.shape[0] + gap for line in lines) + bar + 2 * gap
    ink = np.zeros((height, width), np.float32)
    top = gap
    for place, line in enumerate(lines):
        ink[top : top + line.shape[0], gap : gap + line.shape[1]] = line
        top += line.shape[0] + gap
        if place == 0:
            ink[top : top + bar, gap : width - gap] = _bar(width - 2 * gap, plate.share)
            top += bar + gap
    ground, letters = (np.array(rgb(colour), np.float32) for colour in (plate.colour, ink_on(plate.colour)))
    colours = ground + ink[..., None] * (letters - ground)
    return Sprite(np.asarray(colours, np.float32), np.maximum(ink, np.float32(_OPACITY)))


def _bar(length: int, share: float) -> NDArray[np.float32]:
    """Ink of a bar: full up to the share, to a fraction of a pixel, and faint beyond."""
    filled = np.clip(share * length - np.arange(length), 0, 1)
    return np.asarray(_TRACK_OPACITY + (1 - _TRACK_OPACITY) * filled, np.float32)


def _text(line: str, capital: int) -> NDArray[np.float32]:
    """Ink of a line, float32 [height, width] in [0, 1]; as high as letters reach above and below the line."""
    words = [_word(word, capital) for word in _plain(line).split()]
    space = round(_SPACE * capital)
    widths = [word.shape[1] for word in words]
    ink = np.zeros((words[0].shape[0], sum(widths) + space * (len(words) - 1)), np.float32)
    left = 0
    for word, width in zip(words, widths, strict=True):
        ink[:, left : left + width] = word
        left += width + space
    return ink


@lru_cache(maxsize=256)
def _word(text: str, capital: int) -> NDArray[np.float32]:
    """Ink of a word, as high as that of any other; numbers come again and again."""
    size = _OVERSAMPLING * capital
    thickness = max(1, round(_STROKE * size))
    scale = cv2.getFontScaleFromHeight(_FONT, size - thickness, thickness)
    (width, _), _ = cv2.getTextSize(text, _FONT, scale, thickness)
    (_, height), below = cv2.getTextSize(_TALLEST, _FONT, scale, thickness)
    columns, rows = (-(-length // _OVERSAMPLING) for length in (width + thickness, height + below))
    large = np.zeros((rows * _OVERSAMPLING, columns * _OVERSAMPLING), np.uint8)
    cv2.putText(large, text, (thickness // 2, height), _FONT, scale, 255, thickness, cv2.LINE_AA)
    small = cv2.resize(large, (columns, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(small / 255, np.float32).reshape(rows, columns)


def _plain(text: str) -> str:
    """Letters that OpenCV's fonts have: accents are left out, and what is not Latin becomes a question mark."""
    parts = unicodedata.normalize("NFKD", text)
    kept = "".join(part for part in parts if not unicodedata.combining(part))
    return kept.encode("ascii", "replace").decode()

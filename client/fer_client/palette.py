"""One colour for each expression, the same in every picture that the product draws.

The colours are those of Okabe and Ito (2008, Color Universal Design), which people with any kind of colour blindness
can tell apart; `neutral` is a grey, since it is the absence of an expression, and darker than theirs would be: seen
with protanopia, deuteranopia or tritanopia (Machado et al. 2009), every two differ by 15 or more (CIE 1976 ΔE).
"""

from collections.abc import Sequence

_COLOURS = {
    "angry": "#D55E00",
    "disgust": "#009E73",
    "fear": "#CC79A7",
    "happy": "#E69F00",
    "sad": "#0072B2",
    "surprise": "#F0E442",
    "neutral": "#666666",
    "contempt": "#56B4E9",
    "uncertain": "#D9D9D9",
}


def colours(labels: Sequence[str]) -> dict[str, str]:
    """Give each label a colour as `#RRGGBB`; labels of other networks get those that are not taken, in order."""
    free = [colour for label, colour in _COLOURS.items() if label not in labels]
    unknown = [label for label in labels if label not in _COLOURS]
    others = {label: free[place % len(free)] if free else "#000000" for place, label in enumerate(unknown)}
    return {label: _COLOURS.get(label) or others[label] for label in labels}


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue in [0, 255] of a colour `#RRGGBB`."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def ink_on(colour: str) -> str:
    """Black or white, whichever has the higher contrast on a colour, by relative luminance (WCAG 2.2)."""
    luminance = sum(
        weight * _linear(value / 255)
        for weight, value in zip((0.2126, 0.7152, 0.0722), rgb(colour), strict=True)
    )
    return "#000000" if (luminance + 0.05) ** 2 > 0.05 * 1.05 else "#FFFFFF"


def _linear(value: float) -> float:
    """Undo the gamma of sRGB (IEC 61966-2-1) for a value in [0, 1]."""
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)

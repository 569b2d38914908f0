"""How many pixels a frame may have."""

from fer_client.errors import InputError

MOST_PIXELS = 200_000_000
"""By default, in a frame: as many as the sensors of phones have. A file of 0.1 MB can state 900 million."""

_FFMPEG_MOST = 2**31
"""FFmpeg takes frames up to (8 width + 1024) (height + 128) below this (libavutil/imgutils.c)."""


def fits_a_frame(width: int, height: int) -> bool:
    """Whether FFmpeg takes a frame of this size, in pixels."""
    return (8 * width + 1024) * (height + 128) < _FFMPEG_MOST


def check_pixels(shown: str, width: int, height: int, most_pixels: int) -> None:
    """Raise InputError where an input's frames are larger than wanted."""
    if width * height > most_pixels:
        raise InputError(
            f"{shown}: expected at most {most_pixels / 1e6:g} million pixels in a frame, but it states "
            f"{width}×{height}. Save it smaller, or allow more with --max-pixels."
        )

"""HEIF images, AVIF among them; as phones take them (HEIC), mostly a grid of tiles, which FFmpeg gives one by one."""

from pathlib import Path

import numpy as np

from fer_client.errors import InputError
from fer_client.media.frame import Image
from fer_client.media.pixels import MOST_PIXELS, check_pixels
from fer_client.media.video import TiledPictureError, open_video


def read_heif(path: Path, most_pixels: int = MOST_PIXELS) -> Image | None:
    """Read an image upright, as the file says: BGR, uint8 [height, width, 3]; None where it cannot be read.

    Raises InputError where it is stored in tiles that together have too many pixels, or the package that joins them is
    not there.
    """
    try:
        with open_video(path, most_pixels) as video:
            return np.ascontiguousarray(next(video.frames()).rgb()[..., ::-1])
    except TiledPictureError:
        return _read_tiles(path, most_pixels)
    except InputError:
        return None


def _read_tiles(path: Path, most_pixels: int) -> Image | None:
    try:
        import pillow_heif
    except ImportError:
        raise InputError(
            f"{path}: expected a photograph in one piece, but it is stored in tiles, as phones store HEIC. Install "
            "what joins them (pip install pillow-heif), or save it as JPEG."
        ) from None
    try:
        opened = pillow_heif.open_heif(path)
        width, height = opened.size
        check_pixels(str(path), width, height, most_pixels)
        image = opened.to_pillow().convert("RGB")
    except InputError:
        raise
    except Exception:  # which the package raises of many kinds for a damaged file
        return None
    return np.ascontiguousarray(np.asarray(image, np.uint8)[..., ::-1])

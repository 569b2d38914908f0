"""How a decoded frame is to be shown: turned, mirrored, and with pixels of which shape."""

import math
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import SideDataContainer

from fer_client.media.frame import Orientation

_MOST_ASPECT = 4.0
"""An aspect beyond it, or below its inverse, is a mistake. The widest in H.264's table is 32:11 (ITU-T H.264, E-1)."""


class _KnownSideData(SideDataContainer):
    """Side data of a frame, up to the first kind that PyAV does not know.

    PyAV before version 19 fails there, at EXIF for instance; FFmpeg puts the display matrix before that. The
    frame's own `side_data` would also refer to the frame, which then stays until Python collects garbage.
    """

    def __init__(self, frame: av.VideoFrame) -> None:
        with suppress(ValueError):
            super().__init__(frame)  # type: ignore[call-arg]


def read_orientation(frame: av.VideoFrame) -> Orientation:
    """Read the display matrix: nine 32-bit integers in rows, of which the upper left four turn and mirror.

    They map a stored point (x, y) to (a x + c y, b x + d y), y downwards (ISO/IEC 14496-12, 6.2.2).
    """
    data: Any = _KnownSideData(frame).get("DISPLAYMATRIX")
    if data is None:
        return Orientation(quarter_turns=round(frame.rotation / 90) % 4)
    a, b, _, c, d = np.frombuffer(memoryview(data), "<i4")[:5].tolist()
    is_mirrored = a * d - b * c < 0
    if is_mirrored:
        a, b = -a, -b
    return Orientation(is_mirrored, round(-math.degrees(math.atan2(b, a)) / 90) % 4)


@dataclass
class PixelAspect:
    """Width of a stored pixel ÷ its height (SAR), as a stream states it, while its frames are decoded.

    What the container says holds throughout, as in players. Where it says nothing of its own, the codec's
    aspect holds, which may change on the way, as in broadcasts.
    """

    _stream: Any
    _container: float | None = field(init=False)

    def __post_init__(self) -> None:
        """Compare what PyAV reports for the stream, the container's where it has one, with the codec's."""
        of_stream, of_codec = (
            _aspect(source.sample_aspect_ratio) for source in (self._stream, self._stream.codec_context)
        )
        self._container = None if of_stream == of_codec else of_stream

    def now(self) -> float:
        """Return the aspect of the frame that was decoded last; 1 where none is stated or it is absurd."""
        return self._container or _aspect(self._stream.codec_context.sample_aspect_ratio)


def _aspect(stated: Any) -> float:
    aspect = float(stated or 1)
    return aspect if 1 / _MOST_ASPECT <= aspect <= _MOST_ASPECT else 1.0

"""Which of a video's frames are analysed, and how many were decoded for it."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from fer_client.media.frame import Frame

_ROUNDING_S = 0.001
"""Matroska and FLV have whole milliseconds, rounded or cut: 1/30 s becomes 0.033 s, which begins no new interval."""


def sample(frames: Iterable[Frame], fps: float | None) -> Iterator[Frame]:
    """Yield the first frame of every interval of 1/fps seconds of presentation time; all for None.

    Where times go backwards, intervals that were seen before are seen again.
    """
    if fps is None:
        yield from frames
        return
    last: int | None = None
    for frame in frames:
        interval = math.floor((frame.time_s + _ROUNDING_S) * fps + 1e-6)
        if interval != last:
            last = interval
            yield frame


@dataclass
class Counter:
    """Counts the frames that were decoded."""

    decoded: int = 0

    def count(self, frames: Iterable[Frame], check: Callable[[], None]) -> Iterator[Frame]:
        """Pass the frames on; call `check` at each, since with a low rate the reader sees one only now and then."""
        for frame in frames:
            check()
            self.decoded += 1
            yield frame

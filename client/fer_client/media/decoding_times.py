"""Presentation times where a container states decoding times alone."""

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from typing import Any

import av

CONTAINERS = ("avi", "asf")
"""FFmpeg fills in presentation times there. For H.264 with pictures that are shown in another order than they
are decoded in, it gives every packet the next time, and the pictures shown come out with times in disorder."""


class DecodingTimes:
    """The decoding times of packets whose pictures are still to come.

    Both orders have the same times: the first picture shown gets the first, and so on. A decoder lets a picture
    wait for a fixed number of others, so what waits for longer was lost and is passed over.
    """

    def __init__(self, codec: Any) -> None:
        self._codec = codec
        self._waiting: list[int] = []

    def timed(self, packet: Any, pictures: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """Take a packet, and give the pictures that it brought out of the decoder their times."""
        if packet.size and packet.dts is not None:
            heappush(self._waiting, packet.dts)
        for picture in pictures:
            self._pass_over_lost(picture)
            if self._waiting:
                picture.pts = heappop(self._waiting)
            yield picture

    def _pass_over_lost(self, picture: av.VideoFrame) -> None:
        """Use that a picture names the packet that brought it out, but for those at the very end."""
        if picture.dts is None:
            return
        due = sum(time <= picture.dts for time in self._waiting)
        for _ in range(due - self._codec.reorder_depth - 1):
            heappop(self._waiting)

"""Presentation times (PTS) where a container states decoding times (DTS) alone."""

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from typing import Any

import av

CONTAINERS = ("avi", "asf")
"""FFmpeg fills in presentation times there. Where frames are shown in another order than they are decoded in, as
H.264's B-frames are, it gives every packet the next time, and the frames come out with times in disorder."""


class DecodingTimes:
    """The decoding times, in ticks of the stream's time base, of packets whose frames are still to come.

    Both orders have the same times: the first frame shown gets the first, and so on. A decoder lets a frame
    wait for a fixed number of others, so what waits for longer was lost and is passed over.
    """

    def __init__(self, codec: Any) -> None:
        self._codec = codec
        self._waiting: list[int] = []

    def timed(self, packet: Any, frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """Take a packet, and yield the frames that it brought out of the decoder with their times as `pts`."""
        if packet.size and packet.dts is not None:
            heappush(self._waiting, packet.dts)
        for frame in frames:
            self._pass_over_lost(frame)
            if self._waiting:
                frame.pts = heappop(self._waiting)
            yield frame

    def _pass_over_lost(self, frame: av.VideoFrame) -> None:
        """Use that a frame has the decoding time of the packet that brought it out, but for those at the very end."""
        if frame.dts is None:
            return
        due = sum(time <= frame.dts for time in self._waiting)
        for _ in range(due - self._codec.reorder_depth - 1):
            heappop(self._waiting)

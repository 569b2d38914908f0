"""A small copy of a video, for a page: H.264 and AAC in MP4, which browsers play, at the times of the original."""

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
from av.error import FFmpegError

from fer_client.media.frame import Image
from fer_client.media.sound import Sound

HEIGHT = 480
"""Pixels that the copy is high at most."""

MOST_BYTES = 48 * 2**20
"""Of a copy that is embedded. As base64 in a page it takes a third more."""

_TICKS = 90_000
"""A second, in the copy's units of time; the source's times are off by half of one at most."""

_LEAST_STEP_S = 1 / 31
"""Frames that follow each other faster are left out: 30 a second are enough to look at."""

_VIDEO = {"preset": "veryfast", "crf": "30", "g": "60", "tune": "fastdecode"}
"""A key frame at least every two seconds of 30 frames/s, so that jumps in time are quick."""

_SOUND_BITS = 64_000


class TooLarge(Exception):
    """The copy has more than MOST_BYTES."""


def reduced_size(size_wh: tuple[int, int]) -> tuple[int, int]:
    """Return the copy's width and height, both even, as H.264 with halved colours needs them."""
    width, height = size_wh
    share = min(1.0, HEIGHT / height)
    return max(2, 2 * round(width * share / 2)), max(2, 2 * round(height * share / 2))


@dataclass
class ReducedCopy:
    """A copy under way, see `reduced_copy`. `start_s` is the time of the first frame, which is 0 in the copy."""

    start_s: float
    size_wh: tuple[int, int]
    _buffer: io.BytesIO
    _container: Any
    _stream: Any
    _sound: Iterator[Any]
    _waiting: Any = None
    _last_s: float = field(default=float("-inf"), init=False)

    def wants(self, time_s: float) -> bool:
        """Whether the copy takes a frame of this time."""
        return time_s - self._last_s >= _LEAST_STEP_S

    def add(self, time_s: float, bgr: Image) -> None:
        """Add a frame, uint8 [height, width, 3] of any size. Raises TooLarge."""
        if (bgr.shape[1], bgr.shape[0]) != self.size_wh:
            bgr = np.asarray(cv2.resize(bgr, self.size_wh, interpolation=cv2.INTER_AREA), np.uint8)
        frame = av.VideoFrame.from_ndarray(bgr, format="bgr24")
        frame.pts, frame.time_base = round((time_s - self.start_s) * _TICKS), Fraction(1, _TICKS)
        self._container.mux(self._stream.encode(frame))
        self._last_s = time_s
        self._add_sound(until_s=time_s - self.start_s)
        if self._buffer.tell() > MOST_BYTES:
            raise TooLarge

    def finish(self, end_s: float) -> bytes:
        """Write what is left, sound up to the end of the last frame, and return the file."""
        self._add_sound(until_s=end_s - self.start_s)
        self._container.mux(self._stream.encode())
        self._container.close()
        return self._buffer.getvalue()

    def _add_sound(self, until_s: float) -> None:
        while packet := self._waiting or next(self._sound, None):
            self._waiting = packet
            if packet.pts is not None and float(packet.pts * packet.time_base) > until_s:
                return
            self._container.mux(packet)
            self._waiting = None


@contextmanager
def reduced_copy(start_s: float, size_wh: tuple[int, int], sound: Sound) -> Iterator[ReducedCopy]:
    """Yield a copy that takes frames from `start_s` on, with the first stream of a sound, where that has any."""
    buffer = io.BytesIO()
    container = av.open(buffer, "w", format="mp4")
    stream: Any = container.add_stream("libx264", rate=30, options=_VIDEO)
    stream.width, stream.height = reduced_size(size_wh)
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = stream.time_base = Fraction(1, _TICKS)
    packets = _sound_packets(sound.streams[0], container, start_s) if sound.streams else iter(())
    try:
        yield ReducedCopy(start_s, (stream.width, stream.height), buffer, container, stream, packets)
    finally:
        with suppress(FFmpegError):  # what was given up need not be whole
            container.close()


def _sound_packets(source: Any, container: Any, start_s: float) -> Iterator[Any]:
    """Prepare the stream, which must stand before the first packet; encode packets as they are asked for."""
    codec = source.codec_context
    rate = (
        codec.sample_rate if codec.sample_rate in (16_000, 22_050, 24_000, 32_000, 44_100, 48_000) else 48_000
    )
    layout = "mono" if codec.layout.nb_channels == 1 else "stereo"
    stream = container.add_stream("aac", rate=rate, layout=layout)
    stream.bit_rate = _SOUND_BITS
    return _encoded(source, stream, av.AudioResampler("fltp", layout, rate), start_s)


def _encoded(source: Any, stream: Any, resampler: Any, start_s: float) -> Iterator[Any]:
    """Encode the sound from `start_s` on. What follows damage is left out."""
    with suppress(FFmpegError):
        for frame in source.container.decode(source):
            if frame.time is None or frame.time < start_s:
                continue
            frame.pts = round((frame.time - start_s) / frame.time_base)
            for part in resampler.resample(frame):
                yield from stream.encode(part)
    yield from stream.encode(None)

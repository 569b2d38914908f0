"""An MP4 with H.264 that keeps the times of its source, and its sound beside it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

from fer_client.errors import InputError
from fer_client.media.frame import Frame
from fer_client.media.sound import Sound
from fer_client.media.yuv import colours_of, pixel_format

_CODEC = "libx264"
_CODEC_OPTIONS = {"preset": "superfast", "crf": "23", "g": "100"}
"""As close to the picture as "veryfast" with 20 (PSNR on four clips -0.7 to +0.2 dB, 42 to 47 dB), in half of its
processor time and 1.2 to 1.5 times its bits."""

_MOST_TICKS = 1_000_000
"""Ticks per second of a video whose source states none, or finer ones: its times are right to a microsecond."""

_LONGEST_STEP_BACK_S = 1.0
"""Players show frames in the order of their times. A frame that is late by more shows that the clock was set anew."""

_KEPT = ("aac", "ac3", "alac", "eac3", "flac", "mp2", "mp3", "opus")
"""Codecs of sound that MP4 takes and players know; others become AAC."""

_AAC_BITS_PER_CHANNEL = 96_000
_AAC_RATES = (48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000)
_AAC_SAMPLES = 1024
"""In a packet."""


class VideoTrack:
    """Takes pictures with their frames, in order, and muxes the sound up to each.

    Metadata, subtitles and whatever else the source holds stays behind.
    """

    def __init__(self, container: Any, first: Frame, size_wh: tuple[int, int], shown: str) -> None:
        self._container = container
        self._shown = shown
        colours = colours_of(first)
        self._ticks = _ticks_per_second(first)
        stream = container.add_stream(_CODEC, options=dict(_CODEC_OPTIONS))
        stream.width, stream.height = size_wh
        stream.pix_fmt = pixel_format(size_wh)
        stream.time_base = stream.codec_context.time_base = Fraction(1, self._ticks)
        coder = stream.codec_context
        coder.color_range, coder.colorspace = colours.range, colours.matrix
        coder.color_primaries, coder.color_trc = colours.primaries, colours.transfer
        self._stream = stream
        self._last_pts: int | None = None

    def add(self, picture: av.VideoFrame, frame: Frame) -> None:
        """Encode a picture at the time of a frame. Raises InputError where times run back."""
        pts = round(frame.time_s * self._ticks)
        if self._last_pts is not None and pts <= self._last_pts:
            self._check_step(frame, pts)
            pts = self._last_pts + 1
        self._last_pts = pts
        picture.pts, picture.time_base = pts, Fraction(1, self._ticks)
        stated = frame.decoded
        if stated.duration and stated.time_base:
            picture.duration = round(stated.duration * stated.time_base * self._ticks)
        self._container.mux(self._stream.encode(picture))

    def finish(self) -> None:
        """Encode what the encoder still holds."""
        self._container.mux(self._stream.encode())

    def _check_step(self, frame: Frame, pts: int) -> None:
        back_s = ((self._last_pts or 0) - pts) / self._ticks
        if back_s > _LONGEST_STEP_BACK_S:
            raise InputError(
                f"{self._shown}: expected times that run forwards, but at {frame.time_s:.3f} s they step back by "
                f"{back_s:.3f} s, with which no MP4 can be written. Cut the video there, and give its parts one by one."
            )


class SoundTrack:
    """Muxes sound as it is stored, or as AAC where MP4 does not take its codec."""

    def __init__(self, container: Any, sound: Sound, allow_corruption: bool) -> None:
        self._container = container
        self._tracks = {stream.index: _track(container, stream) for stream in sound.streams}
        self._packets = sound.packets(allow_corruption)
        self._next: Any = None

    def add_until(self, time_s: float) -> None:
        """Mux the packets that begin before a presentation time."""
        while True:
            packet = self._next if self._next is not None else next(self._packets, None)
            self._next = packet
            if packet is None or packet.dts * packet.time_base >= time_s:
                return
            self._container.mux(self._tracks[packet.stream.index].taken(packet))
            self._next = None

    def finish(self) -> None:
        """Mux what encoders still hold."""
        for track in self._tracks.values():
            self._container.mux(track.rest())


class _Copied:
    """Passes packets on; MP4 takes none that is not later than the one before."""

    def __init__(self, container: Any, source: Any) -> None:
        self._stream = container.add_stream_from_template(source)
        self._last_dts: int | None = None

    def taken(self, packet: Any) -> list[Any]:
        if self._last_dts is not None and packet.dts <= self._last_dts:
            return []
        self._last_dts = packet.dts
        packet.stream = self._stream
        return [packet]

    def rest(self) -> list[Any]:
        return []


class _Recoded:
    def __init__(self, container: Any, source: Any) -> None:
        coder = source.codec_context
        rate = coder.sample_rate if coder.sample_rate in _AAC_RATES else _AAC_RATES[0]
        layout = {1: "mono", 2: "stereo"}.get(coder.layout.nb_channels, coder.layout.name)
        bits = _AAC_BITS_PER_CHANNEL * coder.layout.nb_channels
        self._stream = container.add_stream("aac", rate=rate, layout=layout, bit_rate=bits)
        self._resampler = av.AudioResampler("fltp", layout, rate, _AAC_SAMPLES)

    def taken(self, packet: Any) -> list[Any]:
        return [
            coded
            for frame in packet.decode()
            for part in self._resampler.resample(frame)
            for coded in self._stream.encode(part)
        ]

    def rest(self) -> list[Any]:
        parts = self._resampler.resample(None)
        return [*(coded for part in parts for coded in self._stream.encode(part)), *self._stream.encode()]


def _track(container: Any, source: Any) -> _Copied | _Recoded:
    return (_Copied if source.codec_context.name.removesuffix("float") in _KEPT else _Recoded)(
        container, source
    )


@contextmanager
def new_mp4(path: Path) -> Iterator[Any]:
    """Yield a container that writes to `path`, its index first and its clock fine enough for every start.

    Raises OSError where the disk takes no more.
    """
    options = {"movflags": "+faststart", "movie_timescale": str(_MOST_TICKS)}
    with _as_os_errors(), av.open(f"file:{path}", "w", format="mp4", options=options) as container:
        yield container


@contextmanager
def _as_os_errors() -> Iterator[None]:
    """Turn FFmpeg's errors of writing into OSErrors."""
    try:
        yield
    except FFmpegError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EACCES):
            raise OSError(error.errno, error.strerror) from error
        raise


def _ticks_per_second(frame: Frame) -> int:
    base = frame.decoded.time_base if frame.decoded.pts is not None else None
    ticks = base.denominator if base else _MOST_TICKS
    return ticks if ticks <= _MOST_TICKS else _MOST_TICKS

"""Frames of a video file, upright, with the presentation times that the file states.

The luma plane of a decoded frame is the grayscale picture that the networks read, so a frame is never
converted as a whole: the detector gets a small BGR copy, and crops are cut from the plane itself.
"""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from av.stream import Disposition
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from fer_client.errors import InputError

Image = NDArray[np.uint8]

_LUMA_FIRST = ("yuv4", "yuvj4", "yuva4", "nv12", "nv16", "nv21", "nv24", "gray")
# Tags that are not UTF-8 must not make a video unreadable; from version 19 on PyAV sees to that itself.
_OPEN_OPTIONS: dict[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}
)

_EARLY_END_S = 1.0
_EARLY_END_SHARE = 0.02
"""A file may fairly end a little before its header says: headers round, and edit lists cut frames."""


@dataclass(frozen=True)
class VideoInfo:
    """What the file declares about its video stream; sizes are those of the upright picture."""

    name: str
    codec: str
    width: int
    height: int
    rotation_deg: int
    start_s: float
    duration_s: float | None
    frame_count: int | None


@dataclass(frozen=True)
class Frame:
    """One decoded frame.

    `index` counts all decoded frames from 0. `time_s` is the presentation time in seconds as the stream
    states it. `luma` is the upright Y plane, uint8 [height, width], a view into the decoder's memory;
    `is_full_range` tells whether black is 0 and white 255 in it, or 16 and 235.
    """

    index: int
    time_s: float
    luma: Image
    is_full_range: bool
    _picture: av.VideoFrame
    _quarter_turns: int

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the upright picture in pixels."""
        return self.luma.shape[1], self.luma.shape[0]

    def bgr(self, size_wh: tuple[int, int], reformatter: VideoReformatter) -> Image:
        """Upright BGR copy, uint8 [height, width, 3]. A reformatter keeps its tables; use one per thread."""
        return self._converted("bgr24", size_wh, reformatter)

    def rgb(self) -> Image:
        """Upright RGB copy at full size, uint8 [height, width, 3]."""
        return self._converted("rgb24", self.size_wh, VideoReformatter())

    def _converted(self, form: str, size_wh: tuple[int, int], reformatter: VideoReformatter) -> Image:
        width, height = size_wh[::-1] if self._quarter_turns % 2 else size_wh
        picture = reformatter.reformat(self._picture, width, height, form, interpolation="AREA")
        return np.ascontiguousarray(np.rot90(picture.to_ndarray(), self._quarter_turns))


@dataclass
class Video:
    """An open video file; `damage` is set once `frames` has met a damaged or missing part."""

    info: VideoInfo
    _container: Any
    _stream: Any
    _path: Path
    damage: str | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def frames(self, allow_damage: bool = False) -> Iterator[Frame]:
        """Yield every decodable frame in presentation order.

        Raises InputError at the first damaged or missing part, or with `allow_damage` ends there.
        """
        end = _End()
        try:
            for index, picture in enumerate(self._pictures(end)):
                yield _frame(index, picture, self._path)
                end.frame_s = float(picture.time)
        except FFmpegError as error:
            self.damage = f"reading stopped after {end.frame_s:.3f} s: {error.strerror}"
        else:
            self.damage = self._missing_end(end)
        if self.damage and not allow_damage:
            raise InputError(
                f"{self._path}: expected a whole video, but it is damaged or cut off ({self.damage}). "
                "Copy it again from its source, or pass --partial to analyse what can be read."
            )

    def _pictures(self, end: "_End") -> Iterator[av.VideoFrame]:
        """Decode the video packets; audio packets only tell how far the file really goes."""
        packets = self._container.demux()
        while True:
            with self._lock:  # `close` waits for a decoder that another thread runs, which would crash else
                packet = next(packets, None)
                if packet is None:
                    return
                end.see(packet, is_video=packet.stream is self._stream)
                pictures = packet.decode() if packet.stream is self._stream else ()
            yield from pictures

    def close(self) -> None:
        """Close the file. An iteration over its frames must not go on afterwards."""
        with self._lock:
            self._container.close()

    def _missing_end(self, end: "_End") -> str | None:
        """Say how much is missing where the file ends well before its header says, or in mid-packet."""
        if end.packet_is_cut and self._container.format.name != "mpegts":
            return f"the file ends inside a frame after {end.frame_s:.3f} s"
        reached_s, declared_s = end.packet_s, self._declared_end_s()
        if self._stream.duration:
            reached_s = end.video_packet_s
        if declared_s and declared_s - reached_s > max(_EARLY_END_S, _EARLY_END_SHARE * declared_s):
            return f"it ends after {reached_s:.3f} s of {declared_s:.3f} s"
        return None

    def _declared_end_s(self) -> float | None:
        """When the last frame ends by the header. A cut AVI shows only in the count of its frames."""
        stream = self._stream
        if stream.duration:
            duration_s = float(stream.duration * stream.time_base)
            counted_s = float(stream.frames / stream.average_rate) if stream.average_rate else 0.0
            return float((stream.start_time or 0) * stream.time_base) + max(duration_s, counted_s)
        if self._container.duration:
            return float((self._container.start_time or 0) + self._container.duration) / av.time_base
        return None


@dataclass
class _End:
    """How far reading has come: the last frame, and the end of the furthest packet, in seconds."""

    frame_s: float = 0.0
    packet_s: float = 0.0
    video_packet_s: float = 0.0
    packet_is_cut: bool = False

    def see(self, packet: Any, is_video: bool) -> None:
        if packet.size == 0:  # the demuxer's flush packets carry no time
            return
        start = packet.pts if packet.pts is not None else packet.dts
        if start is not None:
            packet_end_s = float((start + (packet.duration or 0)) * packet.time_base)
            self.packet_s = max(self.packet_s, packet_end_s)
            if is_video:
                self.video_packet_s = max(self.video_packet_s, packet_end_s)
        if is_video:
            self.packet_is_cut = packet.is_corrupt


@contextmanager
def open_video(path: Path) -> Iterator[Video]:
    """Open a video file for reading. Raises InputError where it is missing, empty or not a video."""
    _check_file(path)
    try:
        container = av.open(str(path), **_OPEN_OPTIONS)
    except (FFmpegError, ValueError) as error:
        raise InputError(
            f"{path}: expected a video file, but its content is not one that FFmpeg can open "
            f"({_reason(error)}). Check that it plays in a video player, or copy it again."
        ) from error
    with container:
        stream = _video_stream(container, path)
        stream.thread_type = "AUTO"
        with closing(Video(_info(container, stream, path), container, stream, path)) as video:
            yield video


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise InputError(
                f"{path}: expected a video file, but it is a folder. Name the files: {path}/*.mp4"
            )
        if path.stat().st_size == 0:
            raise InputError(f"{path}: expected a video file, but it is empty (0 bytes). Copy it again.")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}). Check the path and its permissions."
        ) from error


def _video_stream(container: Any, path: Path) -> Any:
    """First video stream that is not a cover picture."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic and stream.codec_context is not None:
            return stream
    kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
    raise InputError(
        f"{path}: expected a video stream, but the file holds only {kinds}. Pass a file with pictures."
    )


def _info(container: Any, stream: Any, path: Path) -> VideoInfo:
    """Read the declared properties. The rotation stands in the first frame's side data, so one is decoded."""
    rotation_deg = _rotation_deg(stream, path)
    width, height = stream.width, stream.height
    if rotation_deg % 180:
        width, height = height, width
    return VideoInfo(
        name=path.name,
        codec=stream.codec_context.name,
        width=width,
        height=height,
        rotation_deg=rotation_deg,
        start_s=float((stream.start_time or 0) * stream.time_base),
        duration_s=_duration_s(container, stream),
        frame_count=stream.frames or None,
    )


def _rotation_deg(stream: Any, path: Path) -> int:
    try:
        with av.open(str(path), **_OPEN_OPTIONS) as probe:
            for picture in probe.decode(probe.streams[stream.index]):
                return _quarter_turns(picture) * 90 % 360
    except FFmpegError:
        pass  # `frames` meets the same damage and reports it with its place
    return 0


def _duration_s(container: Any, stream: Any) -> float | None:
    if stream.duration:
        return float(stream.duration * stream.time_base)
    return float(container.duration) / av.time_base if container.duration else None


def _quarter_turns(picture: av.VideoFrame) -> int:
    """Counter-clockwise quarter turns that make the picture upright."""
    return round(picture.rotation / 90) % 4


def _frame(index: int, picture: av.VideoFrame, path: Path) -> Frame:
    if picture.time is None:
        raise InputError(
            f"{path}: expected presentation times, but the stream carries none. Put it into a container "
            f"that does: ffmpeg -i {path.name} -c copy {path.stem}.mp4"
        )
    turns = _quarter_turns(picture)
    luma, is_full_range = _luma(picture)
    return Frame(index, float(picture.time), np.rot90(luma, turns), is_full_range, picture, turns)


def _luma(picture: av.VideoFrame) -> tuple[Image, bool]:
    """Y plane without a copy where the pixel format starts with an 8-bit one, a converted picture elsewhere."""
    name = picture.format.name
    if not name.startswith(_LUMA_FIRST) or picture.format.components[0].bits != 8:
        return np.asarray(picture.reformat(format="gray").to_ndarray(), np.uint8), True
    plane = picture.planes[0]
    luma = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[
        : picture.height, : picture.width
    ]
    is_full_range = name.startswith(("yuvj", "gray")) or picture.color_range == 2
    return luma, is_full_range


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__

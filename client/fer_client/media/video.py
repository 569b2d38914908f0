"""Frames of a video file, upright, with the presentation times that the file states."""

import errno
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError
from av.stream import Disposition

from fer_client.errors import InputError, check_memory_left
from fer_client.media.decoding_times import CONTAINERS, DecodingTimes
from fer_client.media.frame import Frame, Orientation, VideoInfo, shown_length
from fer_client.media.geometry import PixelAspect, read_orientation
from fer_client.media.luma import bytes_per_pixel, in_stated_range, luma_of
from fer_client.media.pixels import MOST_PIXELS, check_pixels
from fer_client.media.wholeness import missing_part

# Tags that are not UTF-8 must not make a video unreadable; from version 19 on PyAV sees to that itself.
OPEN_OPTIONS: dict[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}
)

_LOCAL = {"protocol_whitelist": "file"}
"""A playlist may name local files, and nothing on the network."""

_ROUNDED_UP = 1 << 16
"""More pixels than rounding to blocks of 128 adds to a small frame."""

_COUNTED_FROM_ZERO = ("matroska,webm",)
"""Containers whose duration begins at 0, and not at the first frame."""

_EARLY_END_S = 1.0
_EARLY_END_SHARE = 0.02
"""A file may fairly end a little before its header says: headers round, and edit lists cut frames."""


class TiledPictureError(InputError):
    """What should be a video is an image in tiles, which FFmpeg gives one by one."""


@dataclass
class VideoReader:
    """An open video file or stream; `corruption` is set once `frames` has met a damaged or missing part.

    `_shown` names it in messages, and `_cut` says what a file lacks by its own structure. Frames of more than
    `most_pixels` are refused. A live stream has no end that could be missing: what has come is kept.
    """

    info: VideoInfo
    _container: Any
    _stream: Any
    _shown: str
    _cut: str | None = None
    most_pixels: int = MOST_PIXELS
    is_remote: bool = False
    corruption: str | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        """Raise InputError where the stated size is not allowed; none that comes later is decoded beyond its double."""
        check_pixels(self._shown, self.info.width, self.info.height, self.most_pixels)
        # A decoder rounds sizes up, and what it refuses is told as damage: `_decoded` tells smaller ones by their size.
        self._stream.codec_context.options |= {"max_pixels": str(2 * self.most_pixels + _ROUNDED_UP)}

    def frames(self, allow_corruption: bool = False) -> Iterator[Frame]:
        """Yield every decodable frame in presentation order.

        Raises InputError at the first damaged or missing part; with `allow_corruption` goes on while FFmpeg
        can, as it always does with a live stream. Raises InputError where there is not a single frame.
        """
        end = _End()
        aspect = PixelAspect(self._stream)
        if self._cut and not allow_corruption:  # else it would be told after hours, at the end
            self._note_corruption(self._cut, allow_corruption)
        try:
            for index, decoded in enumerate(self._decoded(end)):
                orientation = read_orientation(decoded)
                frame = _frame(index, decoded, self._shown, orientation, aspect.now())
                if not index:
                    self._take_size(frame, orientation)
                # Who joins a live stream gets a first frame that refers to frames before it.
                if decoded.is_corrupt and not self.info.is_live:
                    self._note_corruption(f"the frame at {frame.time_s:.3f} s is damaged", allow_corruption)
                yield frame
                end.add_frame(frame.time_s, decoded)
        except FFmpegError as error:
            self._check_gives_parts(error, end)
            reason: str | None = f"reading stopped after {end.frame_s:.3f} s: {error.strerror}"
        else:
            reason = self._missing_end(end) or self._cut
        if reason:
            self._note_corruption(reason, allow_corruption)
        if not end.frames:
            check_memory_left(self._shown)
            raise InputError(
                f"{self._shown}: expected frames, but none can be decoded. Copy the video again."
            )
        shown_until_s = end.frame_end_s if self.corruption else end.video_packet_s
        self.info = replace(self.info, shown_until_s=shown_until_s)

    def _check_gives_parts(self, error: FFmpegError, end: "_End") -> None:
        """Raise InputError where a server gave the index at a file's end, and then could not give its start again."""
        if self.is_remote and not end.frames and error.errno == errno.EIO:
            raise InputError(
                f"{self._shown}: expected a server that gives any part of a file that it is asked for, as the index of "
                "this one stands at its end, but it gives files from their start alone. Download the file first."
            ) from error

    def _take_size(self, frame: Frame, orientation: Orientation) -> None:
        """Take the size from a frame, since how frames are turned stands in their side data."""
        width, height = frame.size_wh
        self.info = replace(
            self.info, width=width, height=height, rotation_deg=orientation.quarter_turns * 90
        )

    def _note_corruption(self, reason: str, allow_corruption: bool) -> None:
        """Keep the first corruption; refuse the file unless it is allowed, and where memory may be the cause."""
        self.corruption = self.corruption or reason
        if self.info.is_live:
            return
        check_memory_left(self._shown)
        if not allow_corruption:
            raise InputError(
                f"{self._shown}: expected a whole video, but it is damaged or cut off ({reason}). "
                "Copy it again from its source, or pass --partial to analyse what can be read."
            )

    def _decoded(self, end: "_End") -> Iterator[av.VideoFrame]:
        """Decode the video, also what waits in the decoder when reading fails: it came before."""
        try:
            for frame in self._packets_decoded(end):
                check_pixels(self._shown, frame.width, frame.height, self.most_pixels)
                yield frame
        except FFmpegError:
            yield from self._waiting_frames()
            raise

    def _waiting_frames(self) -> Sequence[av.VideoFrame]:
        if self._container.format.name in CONTAINERS:  # whose times stand in the packets
            return []
        frames: list[av.VideoFrame] = []
        with self._lock, suppress(FFmpegError):
            frames = self._stream.decode(None)
        for frame in frames:
            frame.time_base = self._stream.time_base  # which PyAV takes from a packet, and there is none
        return frames

    def _packets_decoded(self, end: "_End") -> Iterator[av.VideoFrame]:
        """Decode the video packets; audio packets only tell how far the file really goes."""
        packets = self._container.demux()
        has_decoding_times_alone = self._container.format.name in CONTAINERS
        times = DecodingTimes(self._stream.codec_context) if has_decoding_times_alone else None
        while True:
            with self._lock:  # `close` waits for a decoder that another thread runs, which would crash else
                packet = next(packets, None)
                if packet is None:
                    return
                is_video = packet.stream is self._stream
                end.add(packet, is_video)
                frames = packet.decode() if is_video else ()
            yield from times.timed(packet, frames) if times and is_video else frames

    def decode_without_delay(self) -> None:
        """Give each frame as soon as its packet allows: frame threads hold one back for each of them.

        It slows the decoder, and has an effect before the first frame alone.
        """
        self._stream.thread_type = "SLICE"

    def close(self) -> None:
        """Close the file. An iteration over its frames must not go on afterwards."""
        with self._lock:
            self._container.close()

    def _missing_end(self, end: "_End") -> str | None:
        """Say how much is missing where the file ends well before its header says, or in mid-packet."""
        if self.info.is_live:
            return None
        if end.packet_is_cut and self._container.format.name != "mpegts":
            return f"the file ends inside a frame after {end.frame_s:.3f} s"
        reached_s, declared_s = end.packet_s, self._declared_end_s()
        if self._stream.duration:
            reached_s = end.video_packet_s
        if declared_s and declared_s - reached_s > max(_EARLY_END_S, _EARLY_END_SHARE * declared_s):
            return f"it ends after {reached_s:.3f} s of {declared_s:.3f} s"
        return None

    def _declared_end_s(self) -> float | None:
        """When the last frame ends by the header, in seconds. That an AVI is cut shows only in its count of frames."""
        stream, duration_s = self._stream, _duration_s(self._container, self._stream)
        if duration_s is None:
            return None
        if not stream.duration:
            return float(self._container.start_time or 0) / av.time_base + duration_s
        if self._container.format.name == "avi" and stream.average_rate:
            duration_s = max(duration_s, float(stream.frames / stream.average_rate))
        return float((stream.start_time or 0) * stream.time_base) + duration_s


@dataclass
class _End:
    """How far reading has come: the frames, the time of the last, when it ends, and the end of the furthest packet."""

    frames: int = 0
    frame_s: float = 0.0
    frame_end_s: float = 0.0
    packet_s: float = 0.0
    video_packet_s: float = 0.0
    packet_is_cut: bool = False

    def add_frame(self, time_s: float, decoded: av.VideoFrame) -> None:
        self.frames, self.frame_s = self.frames + 1, time_s
        self.frame_end_s = time_s + float(decoded.duration * (decoded.time_base or 0))

    def add(self, packet: Any, is_video: bool) -> None:
        if packet.size == 0:  # the demuxer's flush packets carry no time
            return
        start = packet.pts if packet.pts is not None else packet.dts
        if start is not None:
            base = packet.time_base
            # As a product of fractions, to the last bit, in an eighth of the time.
            packet_end_s = (start + (packet.duration or 0)) * base.numerator / base.denominator
            self.packet_s = max(self.packet_s, packet_end_s)
            if is_video:
                self.video_packet_s = max(self.video_packet_s, packet_end_s)
        if is_video:
            self.packet_is_cut = packet.is_corrupt


@contextmanager
def open_video(path: Path, most_pixels: int = MOST_PIXELS) -> Iterator[VideoReader]:
    """Open a video file for reading. Raises InputError where it is missing, empty or not a video of such frames."""
    with open_container(path) as container:
        stream = main_stream(container, str(path))
        info = video_info(container, stream, path.name)
        with closing(VideoReader(info, container, stream, str(path), _missing(path), most_pixels)) as video:
            yield video


def _missing(path: Path) -> str | None:
    with suppress(OSError):  # which FFmpeg has told, or will
        return missing_part(path)
    return None


def open_container(path: Path) -> Any:
    """Open a file with FFmpeg, to be closed by the caller. Raises InputError as `open_video` does."""
    check_file(path)
    try:
        # With "file:" before it, a name such as 12:30.mp4 is no protocol.
        return av.open(f"file:{path.absolute()}", container_options=_LOCAL, **OPEN_OPTIONS)
    except (FFmpegError, ValueError) as error:
        check_memory_left(str(path))
        raise InputError(f"{path}: {_unreadable(path, error)}") from error


def check_file(path: Path, what: str = "video") -> None:
    """Raise InputError where there is no file, of any content, that can be read. `what` it should be."""
    try:
        if path.is_dir():
            raise InputError(f"{path}: expected a {what} file, but it is a folder. Name a file in it.")
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(
                f"{path}: expected a {what} file, but it is a pipe or a device, in which nothing can be looked up. "
                f"Save the {what} as a file first."
            )
        if status.st_size == 0:
            raise InputError(f"{path}: expected a {what} file, but it is empty (0 bytes). Copy it again.")
        path.open("rb").close()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}). Check the path and its permissions."
        ) from error


def main_stream(container: Any, shown: str) -> Any:
    """Return FFmpeg's choice of the main video stream.

    Raises InputError where that is a cover image, one of many tiles, or has no decoder.
    """
    stream = container.streams.best("video")
    if stream is not None and not stream.disposition & Disposition.attached_pic:
        _check_stream(container, stream, shown)
        stream.thread_type = "AUTO"
        return stream
    kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
    raise InputError(
        f"{shown}: expected a video stream that can be decoded, but the file holds only {kinds}. "
        "Pass a file with moving pictures, in H.264 for instance."
    )


def _check_stream(container: Any, stream: Any, shown: str) -> None:
    if stream.codec_context is None:
        raise InputError(
            f"{shown}: expected a video stream that can be decoded, but FFmpeg knows no decoder for its codec. "
            "Convert it, to H.264 for instance."
        )
    is_main = stream.disposition & Disposition.default
    if not is_main and any(other.disposition & Disposition.dependent for other in container.streams.video):
        raise TiledPictureError(
            f"{shown}: expected a video, but it is a photograph that is stored in tiles, as HEIC and AVIF files "
            "are. Give it the suffix .heic where it is HEIC, or save it as JPEG."
        )


def video_info(container: Any, stream: Any, name: str, is_remote: bool = False) -> VideoInfo:
    """Read the properties that the container declares."""
    duration_s = _duration_s(container, stream)
    aspect = PixelAspect(stream).now()
    codec = stream.codec_context
    return VideoInfo(
        name=name,
        codec=codec.name,
        width=shown_length(stream.width, aspect),
        height=stream.height,
        rotation_deg=0,
        start_s=float((stream.start_time or 0) * stream.time_base),
        duration_s=duration_s,
        frame_count=stream.frames or None,
        is_live=is_remote and duration_s is None,
        bytes_per_pixel=bytes_per_pixel(stream.format, codec.color_range) / aspect,
    )


def _duration_s(container: Any, stream: Any) -> float | None:
    if stream.duration:
        return float(stream.duration * stream.time_base)
    if not container.duration:
        return None
    start = container.start_time or 0
    if container.format.name in _COUNTED_FROM_ZERO and start < container.duration:
        return float(container.duration - start) / av.time_base
    return float(container.duration) / av.time_base


def _frame(index: int, decoded: av.VideoFrame, shown: str, orientation: Orientation, aspect: float) -> Frame:
    if decoded.time is None:
        raise InputError(
            f"{shown}: expected presentation times, but the stream carries none. Put it into a container "
            "that does: ffmpeg -i VIDEO -c copy VIDEO.mp4"
        )
    time_s, decoded = float(decoded.time), in_stated_range(decoded)
    luma, is_full_range = luma_of(decoded)
    return Frame(index, time_s, orientation.upright(luma), is_full_range, decoded, orientation, aspect)


def _unreadable(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        is_mp4 = file.read(8)[4:] == b"ftyp"
    if is_mp4:
        return (
            "expected a whole video, but its index is missing, which an MP4 or MOV file that was cut off lacks. "
            "Copy it again from its source."
        )
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return (
        f"expected a video file, but its content is not one that FFmpeg can open ({reason}). "
        "Check that it plays in a video player, or copy it again."
    )

"""What is to be heard with a video: its packets as they are stored, in the order in which they are stored."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from av.error import FFmpegError

from fer_client.errors import InputError


@dataclass(frozen=True)
class Sound:
    """The audio streams of an open file that can be decoded, or none; `shown` names the file in messages."""

    streams: Sequence[Any] = ()
    shown: str = ""

    def packets(self, allow_corruption: bool = False) -> Iterator[Any]:
        """Yield packets with a time; each knows its stream.

        Raises InputError where reading fails; with `allow_corruption` ends there.
        """
        if not self.streams:
            return
        try:
            for packet in self.streams[0].container.demux(*self.streams):
                if packet.size and packet.dts is not None:
                    yield packet
        except FFmpegError as error:
            if not allow_corruption:
                raise InputError(
                    f"{self.shown}: expected sound up to its end, but it is damaged ({error.strerror}). Copy the file "
                    "again, or pass --partial."
                ) from error


@contextmanager
def opened_sound(container: Any, shown: str) -> Iterator[Sound]:
    """Yield the sound of an open container, which is closed afterwards."""
    with container:
        streams = [stream for stream in container.streams.audio if stream.codec_context is not None]
        yield Sound(streams, shown)

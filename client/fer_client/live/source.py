"""The input of a live view: a camera, an address or a file, which a recording names as a part of what goes on."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from urllib.parse import urlsplit

from fer_client.errors import UsageError
from fer_client.media.discovery import find_inputs
from fer_client.media.frame import Video
from fer_client.media.sources import Stream, VideoSource
from fer_client.media.webcam import camera

_PLAYLISTS = (".m3u8", ".mpd")


@dataclass(frozen=True)
class LiveSource(VideoSource):
    """Another source, shown live. What is recorded of it is never the result of the source itself."""

    inner: VideoSource

    kind = "live"

    @property
    def shown(self) -> str:
        """Return the source's name in messages."""
        return self.inner.shown

    @property
    def label(self) -> str:
        """Return the source's name."""
        return self.inner.label

    @property
    def stem(self) -> str:
        """Return the name of the folder of a recording."""
        return f"{self.inner.stem}-live"

    @property
    def origin(self) -> str | None:
        """Return None: no two recordings are the same."""
        return None

    def fingerprint(self) -> str | None:
        """Return None, for the same reason."""
        return None

    @property
    def comes_in_segments(self) -> bool:
        """Whether it is a playlist (HLS, DASH), whose frames come many at once, seconds apart."""
        return isinstance(self.inner, Stream) and urlsplit(self.inner.url).path.endswith(_PLAYLISTS)

    def open(self) -> AbstractContextManager[Video]:
        """Open the source."""
        return self.inner.open()


def find_live_source(spec: str) -> LiveSource:
    """Find what a number of a camera, a device, an address or a file stands for.

    Raises UsageError where that is not one source that moves, InputError where it cannot be opened.
    """
    found = camera(spec) or _named(spec)
    found.check()
    return LiveSource(found.place, found.paths, found)


def _named(spec: str) -> VideoSource:
    inputs = find_inputs([spec], None)
    for error in inputs.failures.values():
        raise error
    if len(inputs.sources) == 1 and isinstance(inputs.sources[0], VideoSource):
        return inputs.sources[0]
    raise UsageError(
        f"{spec}: expected a camera such as 0 or /dev/video0, an address or a video file, but it is none of these."
    )

"""Videos from the network: web addresses and live streams, as far as FFmpeg opens them."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import av
from av.error import ExitError, FFmpegError

from fer_client.errors import InputError
from fer_client.video import OPEN_OPTIONS, VideoFile, main_stream, video_info

SCHEMES = ("http", "https", "rtsp", "rtsps", "rtmp", "rtmps", "udp")

TIMEOUT_S = 10.0
"""How long a stream may take to open, and how long it may stay silent."""

_OPTIONS = {"rtsp": {"rtsp_transport": "tcp"}, "rtsps": {"rtsp_transport": "tcp"}}
"""By default RTSP's pictures come over UDP, which firewalls stop and of which parts get lost."""

_LONGEST_NAME = 200
"""In bytes."""


def is_url(text: str) -> bool:
    """Whether an input is an address rather than a path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text) is not None


def check_url(url: str) -> None:
    """Raise InputError where an address cannot even be taken apart."""
    try:
        urlsplit(url)
    except ValueError:  # whose text would give the user and the password away
        raise InputError(
            f"{shown_url(url)}: expected an address such as http://host/talk.mp4, but the name of its host is none. "
            "Check it."
        ) from None


def shown_url(url: str) -> str:
    """Return an address without what must stay secret: user, password and query."""
    return re.sub(r"^([^:/]+://)(?:[^/?#]*@)?([^?#]*).*", r"\1\2", url, flags=re.DOTALL)


def stream_name(url: str) -> str:
    """Name a stream by the last part of its path, else by its host; letters, digits, dots and dashes.

    No longer than a folder's name may be on any disk, 255 bytes.
    """
    parts = urlsplit(url)
    name = parts.path.rstrip("/").rpartition("/")[2] or parts.hostname or "stream"
    name = re.sub(r"[^\w.-]", "_", name).lstrip(".") or "stream"
    return name.encode()[:_LONGEST_NAME].decode(errors="ignore")


@contextmanager
def open_stream(url: str) -> Iterator[VideoFile]:
    """Open an address. Raises InputError where nothing answers in time, or what answers is no video."""
    shown = shown_url(url)
    scheme = urlsplit(url).scheme.lower()
    if scheme not in SCHEMES:
        raise InputError(
            f"{shown}: expected an address that starts with {', '.join(SCHEMES)}, came {scheme}."
        )
    options = _OPTIONS.get(scheme, {})
    try:
        container = av.open(url, timeout=(TIMEOUT_S, TIMEOUT_S), options=options, **OPEN_OPTIONS)
    except (FFmpegError, OSError, ValueError) as error:
        raise InputError(f"{shown}: {_unreachable(error)}") from error
    with container:
        stream = main_stream(container, shown)
        info = video_info(container, stream, stream_name(url), is_remote=True)
        with closing(VideoFile(info, container, stream, shown)) as video:
            yield video


def _unreachable(error: Exception) -> str:
    if isinstance(error, ExitError):  # our own time limit, in FFmpeg's words
        return (
            f"expected a video, but nothing came within {TIMEOUT_S:g} s. Check the address, and that the "
            "stream plays in a video player."
        )
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return (
        f"expected a video at this address, but it cannot be opened ({reason}). Check the address, and that "
        "it plays in a video player."
    )

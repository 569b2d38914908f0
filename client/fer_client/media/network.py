"""Videos from the network: web addresses and live streams, as far as FFmpeg opens them."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import av
from av.error import ExitError, FFmpegError

from fer_client.errors import InputError
from fer_client.media.pixels import MOST_PIXELS
from fer_client.media.video import OPEN_OPTIONS, VideoReader, main_stream, video_info

SCHEMES = ("http", "https", "rtsp", "rtsps", "rtmp", "rtmps", "udp")

TIMEOUT_S = 10.0
"""How long a stream may take to open, and how long it may stay silent."""

_PROTOCOLS = "crypto,data,http,https,httpproxy,rtmp,rtmps,rtp,srtp,tcp,tls,udp"
"""What FFmpeg may use for these, and for what a playlist names; no files of this machine."""

_OPTIONS = {"rtsp": {"rtsp_transport": "tcp"}, "rtsps": {"rtsp_transport": "tcp"}}
"""By default RTSP's packets come over UDP, which firewalls stop and of which some get lost."""

_HIDDEN = "(hidden)"
"""Stands for an address of which any part may be a secret."""

_LONGEST_NAME = 200
"""In bytes."""


def is_url(text: str) -> bool:
    """Whether an input is an address rather than a path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text) is not None


def check_url(url: str) -> None:
    """Raise InputError where an address cannot be taken apart into host and port."""
    try:
        _ = urlsplit(url).port
    except ValueError:  # whose text would give the user and the password away
        raise InputError(
            f"{shown_url(url)}: expected an address such as http://host/talk.mp4, but its host or port is none. "
            "Check it; in a user or a password, write / as %2F, ? as %3F, # as %23 and @ as %40."
        ) from None


def shown_url(url: str) -> str:
    """Return an address without what must stay secret: user, password, query, and key=value parts of the path.

    Only the scheme where a password may hold a sign at which addresses are taken apart. Other text comes back
    as it is.
    """
    match = re.match(r"([^:/]+://)([^/?#]*)([^?#]*)(.*)", url, flags=re.DOTALL)
    if match is None:
        return url
    scheme, authority, path, rest = match.groups()
    if _may_split_a_password(authority, path, rest):
        return f"{scheme}{_HIDDEN}"
    return scheme + authority.rpartition("@")[2] + "/".join(filter(_is_open, path.split("/")))


def without_user(url: str) -> str:
    """Return an address without user and password."""
    return re.sub(r"^([^:/]+://)[^/?#]*@", r"\1", url)


def _may_split_a_password(authority: str, path: str, rest: str) -> bool:
    """Whether user:pa/ss@host may have been meant, of which the host would be `user` and the port `pa`."""
    is_host = re.fullmatch(r"(.*@)?(\[[^\]]*\]|[^:]*)(:\d*)?", authority, flags=re.DOTALL)
    return not is_host or "@" in path or ("@" in rest and (":" in authority or "@" in authority))


def _is_open(part: str) -> bool:
    """Whether a part of a path may be shown; user=me&password=word is how some cameras take both."""
    return "=" not in unquote(part)


def stream_name(url: str) -> str:
    """Name a stream by its host and the last part of its path, or its port; letters, digits, dots and dashes.

    No longer than a folder's name may be on any disk, 255 bytes.
    """
    parts = urlsplit(shown_url(url))
    if parts.netloc == _HIDDEN:
        return "stream"
    last = parts.path.rstrip("/").rpartition("/")[2] or str(parts.port or "")
    name = "-".join(filter(None, (parts.hostname, last)))
    name = re.sub(r"[^\w.-]", "_", name).lstrip(".") or "stream"
    return name.encode()[:_LONGEST_NAME].decode(errors="ignore")


def stream_stem(url: str) -> str:
    """Return the stream's name without the suffix of the path; the dots of a host are none."""
    name = stream_name(url)
    suffix = PurePosixPath(urlsplit(shown_url(url)).path).suffix
    return name.removesuffix(suffix) or name


@contextmanager
def open_stream(url: str, most_pixels: int = MOST_PIXELS) -> Iterator[VideoReader]:
    """Open an address. Raises InputError where nothing answers in time, or what answers is no video of such frames."""
    with connect(url) as container:
        shown = shown_url(url)
        stream = main_stream(container, shown)
        info = video_info(container, stream, stream_name(url), is_remote=True)
        with closing(VideoReader(info, container, stream, shown, None, most_pixels, is_remote=True)) as video:
            yield video


def connect(url: str) -> Any:
    """Open an address with FFmpeg, to be closed by the caller. Raises InputError where nothing answers in time."""
    shown = shown_url(url)
    scheme = urlsplit(url).scheme.lower()
    if scheme not in SCHEMES:
        raise InputError(
            f"{shown}: expected an address that starts with {', '.join(SCHEMES)}, came {scheme}."
        )
    options = {"protocol_whitelist": _PROTOCOLS} | _OPTIONS.get(scheme, {})
    try:
        return av.open(url, timeout=(TIMEOUT_S, TIMEOUT_S), container_options=options, **OPEN_OPTIONS)
    except (FFmpegError, OSError, ValueError) as error:  # whose text has the whole address
        raise InputError(f"{shown}: {_unreachable(error)}") from None


def _unreachable(error: Exception) -> str:
    if isinstance(error, ExitError):  # our own time limit, in FFmpeg's words
        return (
            f"expected a video, but nothing came within {TIMEOUT_S:g} s. Check the address, and that the "
            "stream plays in a video player."
        )
    reason = getattr(error, "strerror", None) or type(error).__name__
    return (
        f"expected a video at this address, but it cannot be opened ({reason}). Check the address, and that "
        "it plays in a video player."
    )

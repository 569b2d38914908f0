"""A second decoding of an input whose result stands, so that no frame has to be kept."""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager

from fer_client.errors import InputError
from fer_client.media.frame import Frame
from fer_client.media.limits import LimitedVideo
from fer_client.media.sources import VideoSource
from fer_client.pipeline.concurrency import prefetch
from fer_client.visuals.visual import Request, Tick

_FRAMES_AHEAD = 3


@contextmanager
def reread(request: Request, tick: Tick) -> Iterator[Generator[Frame]]:
    """Yield the frames that were decoded for a result; `tick` takes the share of them that is done.

    Raises InputError where the input cannot be read again, or is another by now.
    """
    source, summary = request.source, request.result.summary
    if not isinstance(source, VideoSource):
        raise TypeError(f"expected a video source, came {type(source).__name__}")
    _check_can_be_read_again(request)
    with source.open() as whole:
        video = LimitedVideo(whole, request.settings.duration_s, lambda: False)
        with closing(prefetch(video.frames(request.settings.partial), _FRAMES_AHEAD)) as frames:
            yield _ticking(frames, tick, max(1, int(summary["frames_decoded"])))
    check_is_same(request)


def _ticking(frames: Iterator[Frame], tick: Tick, count: int) -> Generator[Frame]:
    for done, frame in enumerate(frames):
        tick(min(1.0, done / count))
        yield frame


def check_is_same(request: Request) -> None:
    """Raise InputError where the input has changed since the result was made."""
    stated = request.result.summary["input"]["fingerprint"]
    if stated is not None and request.source.fingerprint() != stated:
        raise InputError(
            f"{request.source.shown}: expected the input that its result is of, but it has changed since. Give the "
            "same command again once nothing writes to it."
        )


def _check_can_be_read_again(request: Request) -> None:
    video = request.result.summary["video"] or {}
    if request.source.kind == "array" or video.get("is_live"):
        what = "a live stream is" if video.get("is_live") else "the frames of a program are"
        raise InputError(
            f"{request.source.shown}: expected an input that can be read twice to draw on it, but {what} gone once "
            "analysed; its tables are there. Save it as a file, and give that."
        )

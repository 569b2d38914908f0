"""What runs in the process of its own: it reads an order, is confined, and tells of every frame or photograph.

    python -P -m fer_client.pipeline.sandbox.child PARENT

Everything that decoding takes is imported, and the detector made, before it is confined; afterwards no file of Python's
can be opened either.
"""

import importlib
import os
import pickle
import pkgutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from fer_client.errors import FerError, InputError, fails_alone
from fer_client.faces.detection import DetectorChoice, choose_detector
from fer_client.media.limits import LimitedVideo
from fer_client.media.sampling import Counter
from fer_client.media.sources import Photographs, Source, VideoSource
from fer_client.pipeline.looking import Looking
from fer_client.pipeline.photos import Unreadable, faces_in_photographs
from fer_client.pipeline.sandbox import messages
from fer_client.pipeline.sandbox.confinement import confine, end_with
from fer_client.pipeline.timing import StageClock
from fer_client.pipeline.video import faces_in_video
from fer_client.settings import Settings, usable_cores

_BYTES = 4 << 30
_BYTES_PER_PIXEL = 32
_BYTES_PER_CORE = 128 << 20
"""Addresses: of libraries; of the frames that a decoder holds, by the most pixels that one may have; and of threads,
whose stacks and heaps take addresses that are hardly touched."""

_TINY_WH = (64, 64)

_AT_WORK_S = 1.0
"""Longest that the client hears nothing while frames are decoded of which none is analysed."""


@dataclass(frozen=True)
class Order:
    """What to look at, and how. Of photographs those from `first` on; `workers` as in `faces_in_photographs`."""

    source: Source
    settings: Settings
    detector_kind: str
    detector_model: Path | None
    crop_shape: tuple[int, int, int]
    first: int = 0
    workers: int | None = None


def main() -> None:
    """Carry out one order."""
    end_with(int(sys.argv[1]))
    tell = _teller()
    order: Order = pickle.load(
        sys.stdin.buffer
    )  # from the process that started this one, before anything is decoded
    source = order.source
    try:
        _import_all()
        detector = choose_detector(order.detector_kind, order.detector_model, order.settings.min_score)
        _warm_up(detector)
        _confine(order, Path(detector.source))
    except (FerError, OSError, RuntimeError) as error:
        tell(messages.message(messages.REFUSED, sentence=str(error)))
        return
    try:
        with fails_alone(source.shown):
            looking = Looking(order.settings, detector, order.crop_shape, at_work(tell))
            for said in _look(source, looking, order):
                tell(said)
    except InputError as error:
        tell(messages.message(messages.FAILED, sentence=str(error)))


def _import_all() -> None:
    """Import what PyAV, and the reading of photographs, would import when it is first needed."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    importlib.import_module("imagesize")
    with suppress(ImportError):
        importlib.import_module("pillow_heif")


def _teller() -> Callable[[bytes], None]:
    """Return what writes to standard output, which is nobody else's from now on; for several threads at once."""
    out, whole = os.dup(1), threading.Lock()
    os.dup2(2, 1)

    def tell(data: bytes) -> None:
        rest = memoryview(data)
        with whole:
            while rest:
                rest = rest[os.write(out, rest) :]

    return tell


def at_work(tell: Callable[[bytes], None], now_s: Callable[[], float] = time.monotonic) -> Callable[[], None]:
    """Return what is called at every frame, and tells from time to time that there are any."""
    told_s = now_s()

    def check() -> None:
        nonlocal told_s
        if now_s() - told_s >= _AT_WORK_S:
            told_s = now_s()
            tell(messages.message(messages.AT_WORK))

    return check


def _warm_up(detector: DetectorChoice) -> None:
    """Look once, so that what OpenCV fetches at the first look is there."""
    cv2.setNumThreads(1)
    once = detector.make()
    shape = _TINY_WH if once.reads_luma else (*_TINY_WH, 3)
    once.detect(np.zeros(shape, np.uint8))


def _confine(order: Order, weights: Path) -> None:
    pixels = _BYTES_PER_PIXEL * order.source.most_pixels
    confine([*order.source.paths, weights], _BYTES + pixels + _BYTES_PER_CORE * usable_cores())


def _look(source: Source, looking: Looking, order: Order) -> Iterator[bytes]:
    if isinstance(source, VideoSource):
        return _look_at_video(source, looking)
    if isinstance(source, Photographs):
        return _look_at_photographs(source, looking, order)
    raise TypeError(f"expected a video or photographs, came {type(source).__name__}")


def _look_at_video(source: VideoSource, looking: Looking) -> Iterator[bytes]:
    clock, counter = StageClock(), Counter()
    with source.open() as whole:
        yield messages.message(messages.OPENED, info=messages.info_values(whole.info))
        video = LimitedVideo(whole, looking.settings.duration_s, lambda: False)
        with closing(faces_in_video(video, looking, clock, counter)) as seen:
            for faces in seen:
                yield messages.faces_message(faces)
        found: dict[str, Any] = {"info": messages.info_values(whole.info), "damage": whole.corruption}
        yield messages.message(messages.ENDED, decoded=counter.decoded, stages=_stages(clock), **found)


def _look_at_photographs(source: Photographs, looking: Looking, order: Order) -> Iterator[bytes]:
    clock = StageClock()
    with closing(faces_in_photographs(source, looking, clock, order.first, order.workers)) as seen:
        for came in seen:
            if isinstance(came, Unreadable):
                yield messages.message(messages.UNREADABLE, index=came.index, sentence=str(came.error))
            else:
                yield messages.faces_message(came)
    yield messages.message(messages.ENDED, stages=_stages(clock))


def _stages(clock: StageClock) -> dict[str, dict[str, float]]:
    return {name: {"seconds": seconds, "count": count} for name, (seconds, count) in clock.totals().items()}


if __name__ == "__main__":
    main()

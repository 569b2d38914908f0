"""Photographs, each by itself: what is in one says nothing about the next."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from fer_client.errors import InputError, fails_alone
from fer_client.faces.alignment import FaceCrops, cut_out
from fer_client.faces.detection import FrameDetector
from fer_client.media.images import BYTES_PER_PIXEL, picture_frame, picture_pixels, read_picture
from fer_client.media.sources import Photographs
from fer_client.pipeline.concurrency import MemoryBudget, ordered_map
from fer_client.pipeline.looking import Looking
from fer_client.pipeline.timing import StageClock

_MOST_WORKERS = 4
_BYTES_AT_ONCE = 768 << 20
"""Of decoded photographs: four of 27 million pixels, or one of 200 million by itself."""

_BYTES_PER_PIXEL = BYTES_PER_PIXEL + 3
"""While a frame is made of the picture that was read."""


@dataclass(frozen=True)
class Unreadable:
    """A photograph that cannot be read, by its place among the others, and why."""

    index: int
    error: InputError


def faces_in_photographs(
    source: Photographs, looking: Looking, clock: StageClock, first: int = 0, workers: int | None = None
) -> Generator[FaceCrops | Unreadable]:
    """Yield what came of each photograph from `first` on, in order; with one worker each before the next is read."""
    settings, budget = looking.settings, MemoryBudget(_BYTES_AT_ONCE)
    detector = FrameDetector(looking.detector, settings.photo_side, settings.min_face)

    def see(numbered: tuple[int, Path]) -> FaceCrops | Unreadable:
        index, path = numbered
        looking.check()
        try:
            with fails_alone(str(path)), budget.holding(picture_pixels(path) * _BYTES_PER_PIXEL):
                with clock.time("decode"):
                    picture = read_picture(path, source.most_pixels)
                frame = picture_frame(index, 0.0, picture)
                with clock.time("detect"):
                    faces = detector.detect(frame)
                with clock.time("crop"):
                    return cut_out(frame, faces, True, looking.crop_shape)
        except InputError as error:
            return Unreadable(index, error)

    workers = workers or min(settings.detection_workers, _MOST_WORKERS)
    depth = 2 * workers if workers > 1 else 1
    with (
        ThreadPoolExecutor(workers, thread_name_prefix="photographs") as pool,
        closing(ordered_map(see, list(enumerate(source.paths))[first:], pool, depth)) as seen,
    ):
        yield from seen

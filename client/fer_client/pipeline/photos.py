"""Photographs, each by itself: what is in one says nothing about the next."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from fer_client.errors import InputError, fails_alone
from fer_client.faces.alignment import FaceCrops, cut_out
from fer_client.faces.detection import FrameDetector
from fer_client.media.images import BYTES_PER_PIXEL, picture_frame, picture_pixels, read_picture
from fer_client.media.sources import Photographs
from fer_client.pipeline.concurrency import MemoryBudget, ordered_map
from fer_client.pipeline.context import Job
from fer_client.pipeline.timing import StageClock
from fer_client.temporal.frame import AnalysedFrame, analysed

_MOST_WORKERS = 4
_BYTES_AT_ONCE = 768 << 20
"""Of decoded photographs: four of 27 million pixels, or one of 200 million by itself."""

_BYTES_PER_PIXEL = BYTES_PER_PIXEL + 3
"""While a frame is made of the picture that was read."""


def analysed_photographs(
    source: Photographs, job: Job, clock: StageClock, unreadable: dict[Path, InputError]
) -> Generator[AnalysedFrame]:
    """Yield one frame per photograph, in order; those that cannot be read go to `unreadable`.

    Raises InputError where none can be read.
    """
    settings, budget = job.settings, MemoryBudget(_BYTES_AT_ONCE)
    detector = FrameDetector(job.detector, settings.photo_side, settings.min_face)

    def see(numbered: tuple[int, Path]) -> FaceCrops | None:
        index, path = numbered
        job.interruption.check()
        try:
            with fails_alone(str(path)), budget.holding(picture_pixels(path) * _BYTES_PER_PIXEL):
                with clock.time("decode"):
                    picture = read_picture(path, source.most_pixels)
                frame = picture_frame(index, 0.0, picture)
                with clock.time("detect"):
                    faces = detector.detect(frame)
                with clock.time("crop"):
                    return cut_out(frame, faces, True, job.contract.crop_shape)
        except InputError as error:
            unreadable[path] = error
            return None

    workers = min(settings.detection_workers, _MOST_WORKERS)
    with (
        ThreadPoolExecutor(workers, thread_name_prefix="photographs") as pool,
        closing(ordered_map(see, enumerate(source.paths), pool, 2 * workers)) as seen,
    ):
        found = (frame for frame in seen if frame is not None)
        for faces, answer in job.predict(found, clock):
            yield analysed(faces, [None] * len(faces.scores), answer)
    job.delivery.confirm()
    if len(unreadable) == len(source.paths):
        raise next(iter(unreadable.values()))

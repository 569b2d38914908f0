"""The stages that turn a video into predictions, all at once: decode, detect, crop, ask the server, track.

Memory stays bounded whatever the length of the video: every stage is at most a fixed number of frames
ahead of the next one.
"""

import math
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from fer_client.batching import SeenFrame, predict_in_order
from fer_client.concurrency import ordered_map, prefetch
from fer_client.contract import Contract
from fer_client.cropping import crop_faces
from fer_client.detection import FrameDetector
from fer_client.inference import Predictions
from fer_client.interruption import Interruption
from fer_client.job import Job
from fer_client.stages import StageClock
from fer_client.tracking import Tracker
from fer_client.video import Frame, Video

_FRAMES_AHEAD = 8


def sample(frames: Iterable[Frame], fps: float | None) -> Iterator[Frame]:
    """Yield the first frame of every interval of 1/fps seconds of presentation time; all for None."""
    last = -math.inf
    for frame in frames:
        interval = math.floor(frame.time_s * fps + 1e-6) if fps else math.inf
        if fps is None or interval > last:
            last = interval
            yield frame


@dataclass
class Counter:
    """Counts the frames that were decoded."""

    decoded: int = 0

    def count(self, frames: Iterable[Frame], interruption: Interruption) -> Iterator[Frame]:
        """Pass the frames on."""
        for frame in frames:
            interruption.check()  # here too: with a low --fps the reader sees a frame only now and then
            self.decoded += 1
            yield frame


def analysed_frames(
    video: Video, job: Job, clock: StageClock, counter: Counter
) -> Generator[tuple[SeenFrame, list[int], Predictions]]:
    """Yield every analysed frame in order, with the track and the prediction of each of its faces."""
    settings = job.settings
    detector = FrameDetector(job.detector, settings.detection_side, settings.min_face)
    tracker = Tracker()
    decoded = counter.count(clock.timed(video.frames(settings.partial), "decode"), job.interruption)
    workers = settings.detection_workers
    with (
        closing(prefetch(sample(decoded, settings.fps), _FRAMES_AHEAD)) as frames,
        closing(
            ordered_map(
                lambda frame: _see(frame, detector, job.contract, clock), frames, workers, 2 * workers
            )
        ) as seen,
    ):
        for item, predictions in predict_in_order(seen, job, clock):
            yield item, tracker.update(item.boxes_xywh.astype(np.float32), item.time_s), predictions


def _see(frame: Frame, detector: FrameDetector, contract: Contract, clock: StageClock) -> SeenFrame:
    """Find and cut out the faces, from left to right; the frame itself is let go afterwards."""
    with clock.time("detect"):
        faces = detector.detect(frame)
    order = np.argsort(faces.boxes_xywh[:, 0], kind="stable")
    boxes = np.rint(faces.boxes_xywh[order]).astype(np.int32)
    with clock.time("crop"):
        crops = crop_faces(frame, boxes, faces.landmarks_xy[order], contract.crop_shape)
    return SeenFrame(frame.index, frame.time_s, boxes, faces.scores[order], crops)

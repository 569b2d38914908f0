"""Frames as they come, for live use: each goes through all stages before the next is asked for.

Where `fer_client.pipeline.video` overlaps the stages and waits for full batches, here one thread, the caller's,
takes a frame, looks for faces in it, sends them and waits for their answers. So a frame never waits for another:
from its decoding to its record it takes its own detection and inference. And whoever stops between two frames
leaves no thread waiting for the next.
"""

from collections.abc import Generator
from functools import partial

from fer_client.faces.alignment import cut_out
from fer_client.faces.detection import FrameDetector
from fer_client.faces.shots import with_cuts
from fer_client.faces.tracking import Tracker
from fer_client.media.frame import Video
from fer_client.media.sampling import Counter, sample
from fer_client.pipeline.context import Job
from fer_client.pipeline.timing import StageClock
from fer_client.temporal.frame import AnalysedFrame, followed


def frames_as_they_come(
    video: Video, job: Job, clock: StageClock, counter: Counter
) -> Generator[AnalysedFrame]:
    """Yield every analysed frame, detected by itself, before the next one is decoded.

    The faces of a frame are sent at once, in requests of at most `batch_size`.
    """
    settings = job.settings
    choice = job.detector.for_videos(settings.min_score)
    detector = FrameDetector(choice, settings.detection_side, settings.min_face)
    detect = clock.timing(detector.detect, "detect")
    crop = clock.timing(partial(cut_out, crop_shape=job.contract.crop_shape), "crop")
    follow = clock.timing(Tracker(job.first_score).follow, "track")
    decoded = counter.count(clock.timed(video.frames(settings.partial), "decode"), job.interruption.check)
    for frame, starts_shot in with_cuts(sample(decoded, settings.fps)):
        faces = crop(frame, detect(frame), starts_shot)
        for _, answer in job.predict([faces], clock):
            yield followed(faces, follow(faces), answer)
    job.delivery.confirm()

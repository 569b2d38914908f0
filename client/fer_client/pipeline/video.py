"""The stages that turn a video into faces, all at once: decode, detect, crop.

One thread decodes. A pool first detects the faces on key frames, then interpolates and crops those between, as two
ordered maps, so no task waits for another (OpenCV, FFmpeg and gRPC release the GIL). The caller's thread cuts the
segments, and sends, tracks and writes what comes out.

Memory stays bounded whatever the length of the video: every stage is at most a fixed number of frames
ahead of the next one.
"""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import chain

from fer_client.faces.alignment import FaceCrops, cut_out
from fer_client.faces.detection import FrameDetector
from fer_client.faces.keyframes import detect_key_frames, interpolate_and_crop, intervals, segments
from fer_client.media.frame import Video, VideoInfo
from fer_client.media.sampling import Counter, sample
from fer_client.pipeline.concurrency import ordered_map, prefetch
from fer_client.pipeline.looking import Looking
from fer_client.pipeline.timing import StageClock
from fer_client.settings import Settings

_FRAMES_AHEAD = 4
_SEGMENTS_PER_WORKER = 4
"""Under way or waiting, so that no worker idles while the caller's thread sends or writes. Two made a run with
`--detect-every 1` 3 % longer on two cores; more than four brought nothing."""

_FRAMES_PER_WORKER = 12
"""Beyond that two segments are enough, and four of six frames each took 10 MB more at 640×360."""

_BYTES_AHEAD = 96 << 20
"""Of pictures in segments between the decoder and the server, so that more cores do not mean more memory. Six
frames of 4K video fit."""


@dataclass(frozen=True)
class Bounds:
    """How many pictures the stages hold: decoded frames that wait, frames in a segment, and segments.

    The frames in a segment change where the detector looks, and so depend on the input and the settings alone.
    """

    frames: int
    frames_per_segment: int
    segments: int

    @classmethod
    def of(cls, info: VideoInfo, settings: Settings) -> "Bounds":
        """Hold fewer of larger pictures, but one frame, and two segments so that detection goes on."""
        frame_bytes = max(1, info.frame_bytes)
        length = max(1, min(settings.detect_every, _BYTES_AHEAD // frame_bytes))
        per_worker = max(2, min(_SEGMENTS_PER_WORKER, _FRAMES_PER_WORKER // length))
        most = per_worker * settings.detection_workers
        return cls(
            frames=max(1, min(_FRAMES_AHEAD, _BYTES_AHEAD // 2 // frame_bytes)),
            frames_per_segment=length,
            segments=max(2, min(most, _BYTES_AHEAD // (length * frame_bytes))),
        )


def faces_in_video(
    video: Video, looking: Looking, clock: StageClock, counter: Counter
) -> Generator[FaceCrops]:
    """Yield every analysed frame in order, with its faces."""
    settings, bounds = looking.settings, Bounds.of(video.info, looking.settings)
    choice = looking.detector.for_videos(settings.min_score)
    detector = FrameDetector(choice, settings.detection_side, settings.min_face)
    detect = clock.timing(detector.detect, "detect")
    crop = clock.timing(partial(cut_out, crop_shape=looking.crop_shape), "crop")
    decoded = counter.count(clock.timed(video.frames(settings.partial), "decode"), looking.check)
    with (
        closing(prefetch(sample(decoded, settings.fps), bounds.frames)) as frames,
        ThreadPoolExecutor(settings.detection_workers, thread_name_prefix="faces") as pool,
        closing(
            ordered_map(
                partial(detect_key_frames, detect=detect),
                segments(frames, bounds.frames_per_segment),
                pool,
                bounds.segments // 2,
            )
        ) as keys,
        closing(
            ordered_map(
                partial(interpolate_and_crop, detect=detect, crop=crop),
                intervals(keys),
                pool,
                bounds.segments - bounds.segments // 2,
            )
        ) as seen,
    ):
        yield from chain.from_iterable(seen)

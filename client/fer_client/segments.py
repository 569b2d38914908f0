"""Frames in segments between two detections, within one shot, and what is seen in them."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from fer_client.batching import SeenFrame
from fer_client.cropping import crop_faces
from fer_client.detection import Faces
from fer_client.shots import is_cut, thumbnail
from fer_client.sparse import fill
from fer_client.stages import StageClock
from fer_client.video import Frame

MAX_SEGMENT_S = 0.3
"""Longest time between two detections with frames between: faces do not move straight for longer."""


@dataclass(frozen=True)
class Glance:
    """What the detector saw in a frame at the end of a segment."""

    faces: Faces
    time_s: float


@dataclass(frozen=True)
class Segment:
    """Consecutive frames of one shot.

    `before`: what was seen at the end of the segment before, or None where this one starts a shot. `end`
    will hold what is seen at the end of this one.
    """

    frames: list[Frame]
    before: "Future[Glance] | None"
    end: "Future[Glance]" = field(default_factory=Future)


def segments(frames: Iterable[Frame], every: int) -> Iterator[Segment]:
    """Cut frames into segments that end on every `every`-th frame, at a cut, and at the last frame.

    A segment that starts a shot holds its first frame too. None spans more than MAX_SEGMENT_S.
    """
    before: Future[Glance] | None = None
    pending: list[Frame] = []
    picture, start_s = None, 0.0
    for frame in frames:
        last_picture, picture = picture, thumbnail(frame.luma)
        starts_shot = last_picture is None or is_cut(last_picture, picture)
        if pending and (starts_shot or frame.time_s - start_s > MAX_SEGMENT_S):
            yield (segment := Segment(pending, before))
            before, start_s, pending = segment.end, pending[-1].time_s, []
        if starts_shot:
            before, start_s = None, frame.time_s
        pending.append(frame)
        if len(pending) - (before is None) == every:
            yield (segment := Segment(pending, before))
            before, start_s, pending = segment.end, frame.time_s, []
    if pending:
        yield Segment(pending, before)


def see(
    segment: Segment,
    detect: Callable[[Frame], Faces],
    crop_shape: tuple[int, int, int],
    clock: StageClock,
) -> list[SeenFrame]:
    """Find and cut out the faces of every frame of a segment; the frames themselves are let go afterwards.

    Looks at the segment's end first, so that whoever waits for it never waits for somebody who waits. Segments
    must be begun in their order.
    """

    def timed_detect(frame: Frame) -> Faces:
        with clock.time("detect"):
            return detect(frame)

    frames = segment.frames
    try:
        end = Glance(timed_detect(frames[-1]), frames[-1].time_s)
    except BaseException as error:
        segment.end.set_exception(error)
        raise
    segment.end.set_result(end)
    if len(frames) == 1:
        faces = [end.faces]
    elif segment.before is None:
        first = timed_detect(frames[0])
        times = [frame.time_s for frame in frames]
        faces = fill((first, end.faces), times, lambda position: timed_detect(frames[position]))
    else:
        start = segment.before.result()
        times = [start.time_s, *(frame.time_s for frame in frames)]
        faces = fill((start.faces, end.faces), times, lambda position: timed_detect(frames[position - 1]))[1:]
    with clock.time("crop"):
        return [
            _cut_out(frame, found, crop_shape, segment.before is None and position == 0)
            for position, (frame, found) in enumerate(zip(frames, faces, strict=True))
        ]


def _cut_out(frame: Frame, faces: Faces, crop_shape: tuple[int, int, int], starts_shot: bool) -> SeenFrame:
    """Cut out the faces of a frame, from left to right."""
    order = np.argsort(faces.boxes_xywh[:, 0], kind="stable")
    boxes, landmarks = faces.boxes_xywh[order], faces.landmarks_xy[order]
    crops = crop_faces(frame, boxes, landmarks, crop_shape)
    whole = np.rint(boxes).astype(np.int32)
    return SeenFrame(frame.index, frame.time_s, whole, faces.scores[order], crops, starts_shot)

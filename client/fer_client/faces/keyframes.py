"""Segments of frames that end on key frames, where faces are detected; between these they are interpolated."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from fer_client.faces.alignment import FaceCrops
from fer_client.faces.detection import Faces
from fer_client.faces.interpolation import interpolate
from fer_client.faces.shots import is_cut, thumbnail
from fer_client.media.frame import Frame

MAX_SEGMENT_S = 0.3
"""Longest time between two key frames with frames in between: faces do not move straight for longer."""


@dataclass(frozen=True)
class Segment:
    """Consecutive frames of one shot; the last is a key frame, and so is the first where it `starts_shot`."""

    frames: list[Frame]
    starts_shot: bool


@dataclass(frozen=True)
class KeyFrames:
    """A segment with the faces on its key frames; `first` is None where the segment does not start a shot."""

    segment: Segment
    first: Faces | None
    last: Faces


@dataclass(frozen=True)
class Interval:
    """A segment with the faces on the key frames at both of its ends.

    `start` is the first frame's faces where the segment starts a shot, else those on the last frame of the
    segment before, at the presentation time `start_s`. `end` is the last frame's.
    """

    segment: Segment
    start: Faces
    start_s: float
    end: Faces


def segments(frames: Iterable[Frame], every: int) -> Iterator[Segment]:
    """Cut frames into segments that end on every `every`-th frame, before a cut, and on the last frame.

    A segment that starts a shot holds its first frame too. None spans more than MAX_SEGMENT_S.
    """
    pending: list[Frame] = []
    starts_shot, image, start_s = True, None, 0.0
    for frame in frames:
        last_image, image = image, thumbnail(frame.luma)
        is_new_shot = last_image is None or is_cut(last_image, image)
        if pending and (is_new_shot or frame.time_s - start_s > MAX_SEGMENT_S):
            yield Segment(pending, starts_shot)
            starts_shot, start_s, pending = False, pending[-1].time_s, []
        if is_new_shot:
            starts_shot, start_s = True, frame.time_s
        pending.append(frame)
        if len(pending) - starts_shot == every:
            yield Segment(pending, starts_shot)
            starts_shot, start_s, pending = False, frame.time_s, []
    if pending:
        yield Segment(pending, starts_shot)


def detect_key_frames(segment: Segment, detect: Callable[[Frame], Faces]) -> KeyFrames:
    """Detect the faces on a segment's key frames."""
    last = detect(segment.frames[-1])
    if not segment.starts_shot:
        return KeyFrames(segment, None, last)
    return KeyFrames(segment, last if len(segment.frames) == 1 else detect(segment.frames[0]), last)


def intervals(found: Iterable[KeyFrames]) -> Iterator[Interval]:
    """Join each segment, in order, with the key frame before it."""
    for keys in found:
        frames = keys.segment.frames
        if keys.first is not None:
            before = keys.first, frames[0].time_s
        yield Interval(keys.segment, *before, keys.last)
        before = keys.last, frames[-1].time_s


def interpolate_and_crop(
    interval: Interval,
    detect: Callable[[Frame], Faces],
    crop: Callable[[Frame, Faces, bool], FaceCrops],
) -> list[FaceCrops]:
    """Interpolate the faces of every frame of a segment, and crop them; the frames themselves are let go afterwards.

    `detect` finds the faces of a frame where they cannot be interpolated. `crop` takes a frame, its faces, and
    whether it starts a shot.
    """
    segment, ends = interval.segment, (interval.start, interval.end)
    frames, times_s = segment.frames, [frame.time_s for frame in segment.frames]
    if segment.starts_shot:
        faces = interpolate(ends, times_s, lambda position: detect(frames[position]))
    else:
        times_s = [interval.start_s, *times_s]
        faces = interpolate(ends, times_s, lambda position: detect(frames[position - 1]))[1:]
    return [
        crop(frame, found, segment.starts_shot and position == 0)
        for position, (frame, found) in enumerate(zip(frames, faces, strict=True))
    ]

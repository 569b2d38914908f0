"""Frames in segments between two detections, within one shot, and what is seen in them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from fer_client.faces.alignment import FaceCrops
from fer_client.faces.detection import Faces
from fer_client.faces.interpolation import fill
from fer_client.faces.shots import is_cut, thumbnail
from fer_client.media.video import Frame

MAX_SEGMENT_S = 0.3
"""Longest time between two detections with frames between: faces do not move straight for longer."""


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
class Span:
    """A segment between the faces on two key frames.

    `start` is the first frame's faces where the segment starts a shot, else those on the last frame of the
    segment before, at `start_s`.
    """

    segment: Segment
    start: Faces
    start_s: float
    end: Faces


def segments(frames: Iterable[Frame], every: int) -> Iterator[Segment]:
    """Cut frames into segments that end on every `every`-th frame, at a cut, and at the last frame.

    A segment that starts a shot holds its first frame too. None spans more than MAX_SEGMENT_S.
    """
    pending: list[Frame] = []
    starts_shot, picture, start_s = True, None, 0.0
    for frame in frames:
        last_picture, picture = picture, thumbnail(frame.luma)
        is_new_shot = last_picture is None or is_cut(last_picture, picture)
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
    """Find the faces on a segment's key frames."""
    last = detect(segment.frames[-1])
    if not segment.starts_shot:
        return KeyFrames(segment, None, last)
    return KeyFrames(segment, last if len(segment.frames) == 1 else detect(segment.frames[0]), last)


def spans(found: Iterable[KeyFrames]) -> Iterator[Span]:
    """Join each segment, in order, with the key frame before it."""
    for keys in found:
        frames = keys.segment.frames
        if keys.first is not None:
            before = keys.first, frames[0].time_s
        yield Span(keys.segment, *before, keys.last)
        before = keys.last, frames[-1].time_s


def see(
    span: Span,
    detect: Callable[[Frame], Faces],
    crop: Callable[[Frame, Faces, bool], FaceCrops],
) -> list[FaceCrops]:
    """Find and cut out the faces of every frame of a segment; the frames themselves are let go afterwards.

    `crop` takes a frame, its faces, and whether it starts a shot.
    """
    frames, times = span.segment.frames, [frame.time_s for frame in span.segment.frames]
    if span.segment.starts_shot:
        faces = fill((span.start, span.end), times, lambda position: detect(frames[position]))
    else:
        ends, times = (span.start, span.end), [span.start_s, *times]
        faces = fill(ends, times, lambda position: detect(frames[position - 1]))[1:]
    return [
        crop(frame, found, span.segment.starts_shot and position == 0)
        for position, (frame, found) in enumerate(zip(frames, faces, strict=True))
    ]

"""Faces of consecutive frames to the server in batches, and the answers back to their frames, in order."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fer_client.inference import Predictions
from fer_client.job import Job
from fer_client.stages import StageClock
from fer_client.video import Image

_FRAMES_PER_GROUP = 64
"""Frames without faces cost no request; this many of them close a group, so that progress goes on."""


@dataclass(frozen=True)
class SeenFrame:
    """One analysed frame: int32 boxes [N, 4] in pixels, scores [N], and uint8 crops [N, H, W, C].

    A score is NaN where the detector gives none, or did not look at this frame. `starts_shot`: the frame is
    the first after a cut, or of the video. Once the server has answered and the tracker has looked there are
    no more crops, since frames wait long for what is averaged over time.
    """

    index: int
    time_s: float
    boxes_xywh: NDArray[np.int32]
    scores: NDArray[np.float32]
    crops: Image
    starts_shot: bool = False

    def without_crops(self) -> "SeenFrame":
        """Return the frame without its pictures."""
        return replace(self, crops=np.empty((0, *self.crops.shape[1:]), np.uint8))


@dataclass(frozen=True)
class _Group:
    """Consecutive frames whose faces were sent together."""

    frames: list[SeenFrame]
    answers: list["Future[Predictions]"]


def predict_in_order(
    seen: Iterable[SeenFrame], job: Job, clock: StageClock
) -> Iterator[tuple[SeenFrame, Predictions]]:
    """Send faces in batches and yield the frames in order with their answers.

    At most `settings.in_flight` requests are under way, or those of one frame where it alone needs more.
    """
    limit = min(job.settings.batch_size, job.contract.max_batch_size)
    under_way: deque[_Group] = deque()
    for frames in _grouped(seen, limit, job):
        batches = _batches(frames, limit)
        while under_way and (
            _is_answered(under_way[0]) or _requests(under_way) + len(batches) > job.settings.in_flight
        ):
            yield from _received(under_way.popleft(), job, clock)
        under_way.append(_Group(frames, [job.client.submit(crops, job.contract) for crops in batches]))
    while under_way:
        yield from _received(under_way.popleft(), job, clock)


def _grouped(seen: Iterable[SeenFrame], batch_size: int, job: Job) -> Iterator[list[SeenFrame]]:
    group: list[SeenFrame] = []
    faces = 0
    for frame in seen:
        job.interruption.check()
        group.append(frame)
        faces += len(frame.crops)
        if faces >= batch_size or len(group) >= _FRAMES_PER_GROUP:
            yield group
            group, faces = [], 0
    if group:
        yield group


def _batches(frames: list[SeenFrame], limit: int) -> list[Image]:
    crops = np.concatenate([frame.crops for frame in frames])
    return [crops[start : start + limit] for start in range(0, len(crops), limit)]


def _is_answered(group: _Group) -> bool:
    """Whether the group can go on at once; one without faces always can."""
    return all(answer.done() for answer in group.answers)


def _requests(groups: Iterable[_Group]) -> int:
    return sum(len(group.answers) for group in groups)


def _received(group: _Group, job: Job, clock: StageClock) -> Iterator[tuple[SeenFrame, Predictions]]:
    with clock.time("wait_for_server"):
        answers = [job.interruption.result_of(answer) for answer in group.answers]
    expression = _joined([answer.expression for answer in answers], len(job.contract.labels))
    affects = [answer.valence_arousal for answer in answers if answer.valence_arousal is not None]
    affect = _joined(affects, 2) if job.contract.has_valence_arousal else None
    start = 0
    for frame in group.frames:
        faces = slice(start, start + len(frame.crops))
        yield frame, Predictions(expression[faces], None if affect is None else affect[faces])
        start = faces.stop


def _joined(parts: list[NDArray[np.float32]], width: int) -> NDArray[np.float32]:
    return np.concatenate(parts) if parts else np.empty((0, width), np.float32)

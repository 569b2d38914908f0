"""Faces of consecutive frames to the server in batches, and the answers back to their frames, in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from fer_client.contract import Contract
from fer_client.inference.client import Predictions
from fer_client.inference.delivery import Delivery, Pending

_FRAMES_PER_GROUP = 64
"""Frames without faces cost no request; this many of them close a group, so that progress goes on."""


class HasCrops(Protocol):
    """Whatever has the face crops of one frame, uint8 [N, H, W, C]."""

    @property
    def crops(self) -> NDArray[np.uint8]:
        """Return the crops."""
        ...


Frame = TypeVar("Frame", bound=HasCrops)


@dataclass(frozen=True)
class Batching:
    """How crops are sent: at most `faces` in a request, and at most `requests` under way.

    One frame that alone needs more requests gets them.
    """

    faces: int
    requests: int


@dataclass(frozen=True)
class _Group(Generic[Frame]):
    """Consecutive frames whose faces were sent together."""

    frames: list[Frame]
    answers: list[Pending]


def predict_in_order(
    frames: Iterable[Frame],
    delivery: Delivery,
    batching: Batching,
    receive: Callable[[Pending], Predictions] | None = None,
) -> Iterator[tuple[Frame, Predictions]]:
    """Send faces in batches and yield the frames in order with their answers; `receive` waits for one of them."""
    receive = receive or delivery.receive
    under_way: deque[_Group[Frame]] = deque()
    for group in _grouped(frames, batching.faces):
        batches = _batches(group, batching.faces)
        while under_way and (
            _is_answered(under_way[0]) or _requests(under_way) + len(batches) > batching.requests
        ):
            yield from _received(under_way.popleft(), delivery.contract, receive)
        under_way.append(_Group(group, [delivery.submit(crops) for crops in batches]))
    while under_way:
        yield from _received(under_way.popleft(), delivery.contract, receive)


def _grouped(frames: Iterable[Frame], most_faces: int) -> Iterator[list[Frame]]:
    group: list[Frame] = []
    faces = 0
    for frame in frames:
        group.append(frame)
        faces += len(frame.crops)
        if faces >= most_faces or len(group) >= _FRAMES_PER_GROUP:
            yield group
            group, faces = [], 0
    if group:
        yield group


def _batches(frames: Sequence[Frame], most_faces: int) -> list[NDArray[np.uint8]]:
    crops = np.concatenate([frame.crops for frame in frames])
    return [crops[start : start + most_faces] for start in range(0, len(crops), most_faces)]


def _is_answered(group: _Group[Frame]) -> bool:
    """Whether the group can go on at once; one without faces always can."""
    return all(pending.answer.done() for pending in group.answers)


def _requests(groups: Iterable[_Group[Frame]]) -> int:
    return sum(len(group.answers) for group in groups)


def _received(
    group: _Group[Frame], contract: Contract, receive: Callable[[Pending], Predictions]
) -> Iterator[tuple[Frame, Predictions]]:
    answers = [receive(pending) for pending in group.answers]
    expression = _joined([answer.expression for answer in answers], len(contract.labels))
    affects = [answer.valence_arousal for answer in answers if answer.valence_arousal is not None]
    affect = _joined(affects, 2) if contract.has_valence_arousal else None
    start = 0
    for frame in group.frames:
        faces = slice(start, start + len(frame.crops))
        yield frame, Predictions(expression[faces], None if affect is None else affect[faces])
        start = faces.stop


def _joined(parts: list[NDArray[np.float32]], width: int) -> NDArray[np.float32]:
    return np.concatenate(parts) if parts else np.empty((0, width), np.float32)

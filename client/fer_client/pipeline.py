"""One video from file to result folder: decode, detect, crop, ask the server, write; all stages at once.

Memory stays bounded whatever the length of the video: every stage is at most a fixed number of frames
ahead of the next one, and rows are written as they come.
"""

import json
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_client.concurrency import ordered_map, prefetch
from fer_client.contract import Contract
from fer_client.cropping import crop_faces
from fer_client.detection import DetectorChoice, FrameDetector
from fer_client.inference import InferenceClient, Predictions
from fer_client.interruption import Interruption
from fer_client.results import result_folder
from fer_client.settings import Settings
from fer_client.summary import Summary
from fer_client.tables import FORMATS, Value, columns
from fer_client.tracking import Tracker
from fer_client.video import Frame, Image, Video, VideoInfo, open_video

_FRAMES_AHEAD = 8
_FRAMES_PER_GROUP = 256
"""Frames without faces cost no request; this many of them close a group, so that progress goes on."""


@dataclass(frozen=True)
class Job:
    """What all videos of one command share."""

    settings: Settings
    client: InferenceClient
    contract: Contract
    detector: DetectorChoice
    server_version: str
    interruption: Interruption = field(default_factory=Interruption)


@dataclass(frozen=True)
class Progress:
    """How far one video has come; called after every frame."""

    info: VideoInfo
    frames_analysed: int
    time_s: float


@dataclass(frozen=True)
class SeenFrame:
    """One analysed frame: int32 boxes [N, 4] in pixels, scores [N], and uint8 crops [N, H, W, C]."""

    index: int
    time_s: float
    boxes_xywh: NDArray[np.int32]
    scores: NDArray[np.float32]
    crops: Image


class StageClock:
    """Seconds spent in each stage, summed over its threads; stages overlap, so the sum exceeds the total."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Add the time of the block to the stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self._seconds[stage] = self._seconds.get(stage, 0.0) + time.perf_counter() - start

    def result(self) -> dict[str, float]:
        """Return the stages' seconds in the order in which they first ended."""
        return {stage: round(seconds, 3) for stage, seconds in self._seconds.items()}


def analyse_video(path: Path, target: Path, job: Job, report: Callable[[Progress], None]) -> dict[str, Any]:
    """Analyse one video into the folder `target` and return what summary.json holds.

    Raises InputError, ServerError, UsageError or Interrupted; then `target` is as it was before.
    """
    clock = StageClock()
    started = time.perf_counter()
    with open_video(path) as video, result_folder(target) as folder:
        summary = Summary(job.contract.labels, job.contract.has_valence_arousal)
        counter = _Counter()
        make_table = FORMATS[job.settings.table_format]
        with (
            make_table(folder, columns(job.contract.labels)) as table,
            closing(_analysed(video, job, clock, counter)) as analysed,
        ):
            for seen, tracks, predictions in analysed:
                with clock.time("write"):
                    for row in rows(seen, tracks, predictions, job.contract):
                        table.write(row)
                summary.add(seen.time_s, tracks, predictions)
                report(Progress(video.info, summary.frames_analysed, seen.time_s))
                job.interruption.check()
        result = _result(video, job, summary, counter)
        result["stage_seconds"] = clock.result() | {"total": round(time.perf_counter() - started, 3)}
        (folder / "summary.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result


def sample(frames: Iterable[Frame], fps: float | None) -> Iterator[Frame]:
    """Yield the first frame of every interval of 1/fps seconds of presentation time; all for None."""
    last = -math.inf
    for frame in frames:
        interval = math.floor(frame.time_s * fps + 1e-6) if fps else math.inf
        if fps is None or interval > last:
            last = interval
            yield frame


def rows(
    seen: SeenFrame, tracks: list[int], predictions: Predictions, contract: Contract
) -> Iterator[list[Value]]:
    """Make the rows of one frame: one per face in the order of `tracks`, or one without face fields."""
    if not tracks:
        yield [seen.index, seen.time_s, *[None] * (len(columns(contract.labels)) - 2)]
    affects = predictions.valence_arousal
    for face, track in enumerate(tracks):
        probabilities = predictions.expression[face].tolist()
        best = int(np.argmax(probabilities))
        score = float(seen.scores[face])
        yield [
            seen.index,
            seen.time_s,
            track,
            *seen.boxes_xywh[face].tolist(),
            None if math.isnan(score) else score,
            contract.labels[best],
            probabilities[best],
            *probabilities,
            *((None, None) if affects is None else affects[face].tolist()),
        ]


@dataclass
class _Counter:
    decoded: int = 0

    def count(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            self.decoded += 1
            yield frame


def _analysed(
    video: Video, job: Job, clock: StageClock, counter: _Counter
) -> Generator[tuple[SeenFrame, list[int], Predictions]]:
    """Yield every analysed frame in order, with the track and the prediction of each of its faces."""
    settings = job.settings
    detector = FrameDetector(job.detector, settings.detection_side, settings.min_face)
    tracker = Tracker()
    decoded = counter.count(_timed(video.frames(settings.partial), clock, "decode"))
    workers = settings.detection_workers
    with (
        closing(prefetch(sample(decoded, settings.fps), _FRAMES_AHEAD)) as frames,
        closing(
            ordered_map(
                lambda frame: _see(frame, detector, job.contract, clock), frames, workers, 2 * workers
            )
        ) as seen,
    ):
        for item, predictions in _predicted(seen, job, clock):
            yield item, tracker.update(item.boxes_xywh.astype(np.float32), item.time_s), predictions


def _timed(items: Iterator[Frame], clock: StageClock, stage: str) -> Iterator[Frame]:
    while True:
        with clock.time(stage):
            item = next(items, None)
        if item is None:
            return
        yield item


def _see(frame: Frame, detector: FrameDetector, contract: Contract, clock: StageClock) -> SeenFrame:
    """Find and cut out the faces, from left to right; the frame itself is let go afterwards."""
    with clock.time("detect"):
        faces = detector.detect(frame)
    order = np.argsort(faces.boxes_xywh[:, 0], kind="stable")
    boxes = np.rint(faces.boxes_xywh[order]).astype(np.int32)
    with clock.time("crop"):
        crops = crop_faces(frame, boxes, contract.crop_shape)
    return SeenFrame(frame.index, frame.time_s, boxes, faces.scores[order], crops)


@dataclass(frozen=True)
class _Group:
    """Consecutive frames whose faces were sent together."""

    frames: list[SeenFrame]
    answers: list["Future[Predictions]"]


def _predicted(
    seen: Iterable[SeenFrame], job: Job, clock: StageClock
) -> Iterator[tuple[SeenFrame, Predictions]]:
    """Send faces in batches, several under way at once, and yield the frames in order with their answers."""
    under_way: deque[_Group] = deque()
    for frames in _grouped(seen, job.settings.batch_size):
        under_way.append(_send(frames, job))
        if len(under_way) > job.settings.in_flight:
            yield from _received(under_way.popleft(), job, clock)
    while under_way:
        yield from _received(under_way.popleft(), job, clock)


def _grouped(seen: Iterable[SeenFrame], batch_size: int) -> Iterator[list[SeenFrame]]:
    group: list[SeenFrame] = []
    faces = 0
    for frame in seen:
        group.append(frame)
        faces += len(frame.crops)
        if faces >= batch_size or len(group) >= _FRAMES_PER_GROUP:
            yield group
            group, faces = [], 0
    if group:
        yield group


def _send(frames: list[SeenFrame], job: Job) -> _Group:
    crops = np.concatenate([frame.crops for frame in frames])
    limit = min(job.settings.batch_size, job.contract.max_batch_size)
    starts = range(0, len(crops), limit)
    return _Group(frames, [job.client.submit(crops[at : at + limit], job.contract) for at in starts])


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


def _result(video: Video, job: Job, summary: Summary, counter: _Counter) -> dict[str, Any]:
    info = video.info
    return {
        "video": {
            "name": info.name,
            "codec": info.codec,
            "width": info.width,
            "height": info.height,
            "rotation_deg": info.rotation_deg,
            "start_s": info.start_s,
            "duration_s": info.duration_s,
            "damage": video.damage,
            "times_backwards": summary.times_backwards,
        },
        "frames_decoded": counter.decoded,
        **summary.result(),
        "settings": job.settings.as_record(),
        "models": {
            "fer": job.contract.version,
            "labels": list(job.contract.labels),
            "server": job.server_version,
            "detector": job.detector.name,
        },
    }

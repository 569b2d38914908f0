"""One video from file to result folder: decode, detect, crop, ask the server, write; all stages at once.

Memory stays bounded whatever the length of the video: every stage is at most a fixed number of frames
ahead of the next one, and rows are written as they come.
"""

import json
import math
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fer_client.batching import SeenFrame, predict_in_order
from fer_client.concurrency import ordered_map, prefetch
from fer_client.contract import Contract
from fer_client.cropping import crop_faces
from fer_client.detection import FrameDetector
from fer_client.inference import Predictions
from fer_client.interruption import Interruption
from fer_client.job import Job
from fer_client.results import result_folder
from fer_client.stages import StageClock
from fer_client.summary import Summary
from fer_client.tables import FORMATS, Value, columns
from fer_client.tracking import Tracker
from fer_client.video import Frame, Video, VideoInfo, open_video

_FRAMES_AHEAD = 8


@dataclass(frozen=True)
class Progress:
    """How far one video has come; called after every frame."""

    info: VideoInfo
    frames_analysed: int
    time_s: float


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

    def count(self, frames: Iterable[Frame], interruption: Interruption) -> Iterator[Frame]:
        for frame in frames:
            interruption.check()  # here too: with a low --fps the reader sees a frame only now and then
            self.decoded += 1
            yield frame


def _analysed(
    video: Video, job: Job, clock: StageClock, counter: _Counter
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
        crops = crop_faces(frame, boxes, contract.crop_shape)
    return SeenFrame(frame.index, frame.time_s, boxes, faces.scores[order], crops)


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
        **summary.result(None if info.duration_s is None else info.start_s + info.duration_s),
        "settings": job.settings.as_record(),
        "models": {
            "fer": job.contract.version,
            "labels": list(job.contract.labels),
            "server": job.server_version,
            "detector": job.detector.name,
        },
    }

"""One video from file to result folder; rows are written as they come."""

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fer_client.batching import SeenFrame
from fer_client.contract import Contract
from fer_client.inference import Predictions
from fer_client.job import Job
from fer_client.pipeline import Counter, analysed_frames
from fer_client.results import result_folder
from fer_client.stages import StageClock
from fer_client.summary import Summary
from fer_client.tables import FORMATS, Value, columns
from fer_client.video import Video, VideoInfo, open_video


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
        counter = Counter()
        make_table = FORMATS[job.settings.table_format]
        with (
            make_table(folder, columns(job.contract.labels)) as table,
            closing(analysed_frames(video, job, clock, counter)) as analysed,
        ):
            for seen, tracks, predictions in analysed:
                with clock.time("write"):
                    for row in rows(seen, tracks, predictions, job.contract):
                        table.write(row)
                summary.add(seen.time_s, tracks, predictions)
                report(Progress(video.info, summary.frames_analysed, seen.time_s))
                job.interruption.check()
        result = _result(video, job, summary, counter)
        result["frames_detected"] = clock.count("detect")
        result["stage_seconds"] = clock.result() | {"total": round(time.perf_counter() - started, 3)}
        (folder / "summary.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result


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


def _result(video: Video, job: Job, summary: Summary, counter: Counter) -> dict[str, Any]:
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

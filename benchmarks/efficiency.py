"""How near the whole client comes to the cost of what cannot be left out.

The floor is the processor time of decoding to luma, of the detector on the frames that it saw, and of the bare
network in ONNX Runtime on the faces found, divided by the cores. Whole runs and the parts of the floor take
turns, and the least of each counts, since other load only ever adds.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fer_client.bench.cost import Cost, measured
from fer_client.faces.detection import DetectorChoice, detection_size
from fer_client.media.sources import video_file
from fer_client.media.video import open_video
from fer_client.outputs.result import write_result
from fer_client.pipeline.context import Job
from fer_client.settings import Settings, usable_cores

_DETECTIONS = 100


@dataclass
class Floor:
    """Least processor time seen so far, in seconds: of decoding all frames, one detection, one face."""

    decode_s: float = float("inf")
    detection_s: float = float("inf")
    face_s: float = float("inf")

    def lower(self, decode_s: float, detection_s: float, face_s: float) -> None:
        """Take in one more measurement of each part."""
        self.decode_s = min(self.decode_s, decode_s)
        self.detection_s = min(self.detection_s, detection_s)
        self.face_s = min(self.face_s, face_s)

    def total_s(self, detections: int, faces: int) -> float:
        """Return the floor of a run with so many detections and faces, in core-seconds."""
        return self.decode_s + detections * self.detection_s + faces * self.face_s


def efficiency(
    path: Path, job: Job, server_pid: int, packages: Path, network: Path, every: Sequence[int], runs: int
) -> dict[str, Any]:
    """Measure the client on a video for each `detect_every`, beside the floor, `runs` times in turn."""
    floor = Floor()
    costs: dict[int, list[Cost]] = {steps: [] for steps in every}
    results: dict[int, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(runs):
            floor.lower(
                decoding_s(path),
                detection_s(path, job.detector, job.settings),
                network_s(network, job.settings.batch_size, packages),
            )
            for steps in every:
                own = replace(job, settings=replace(job.settings, detect_every=steps))
                with measured(server_pid) as cost:
                    results[steps], _ = write_result(
                        video_file(path), Path(folder) / "result", own, lambda _: None
                    )
                costs[steps].append(cost)
    return {
        "cores": usable_cores(),
        "decode_core_s": floor.decode_s,
        "detection_core_ms": 1000 * floor.detection_s,
        "network_core_ms_per_face": 1000 * floor.face_s,
        "detect_every": {str(steps): _ratios(floor, costs[steps], results[steps]) for steps in every},
    }


def _ratios(floor: Floor, costs: Sequence[Cost], result: dict[str, Any]) -> dict[str, Any]:
    faces = sum(track["frames"] for track in result["tracks"])
    floor_s = floor.total_s(result["frames_detected"], faces)
    wall_s, own_s = min(cost.wall_s for cost in costs), min(cost.own_s for cost in costs)
    return {
        "frames": result["frames_analysed"],
        "frames_detected": result["frames_detected"],
        "faces": faces,
        "floor_s": floor_s / usable_cores(),
        "wall_s": wall_s,
        "frames_per_s": result["frames_analysed"] / wall_s,
        "wall_over_floor": wall_s * usable_cores() / floor_s,
        "offered_over_floor": min(cost.offered_s for cost in costs) / floor_s,
        "own_over_floor": own_s / floor_s,
        "own_s_per_frame": own_s / result["frames_analysed"],
        "runs": [{"wall_s": cost.wall_s, "own_s": cost.own_s, "offered_s": cost.offered_s} for cost in costs],
    }


def decoding_s(path: Path) -> float:
    """Processor time of decoding a video to luma."""
    start = time.process_time()
    with open_video(path) as video:
        for _ in video.frames(allow_corruption=True):
            pass
    return time.process_time() - start


def detection_s(path: Path, choice: DetectorChoice, settings: Settings) -> float:
    """Mean processor time of one detection, over frames spread evenly; making the small copy is not in it."""
    detector, times = choice.make(), []
    with open_video(path) as video:
        step = max(1, (video.info.frame_count or _DETECTIONS) // _DETECTIONS)
        for frame in video.frames(allow_corruption=True):
            if frame.index % step == 0:
                copy = detector.copy(frame, detection_size(frame.size_wh, settings.detection_side))
                start = time.thread_time()
                detector.detect(copy)
                times.append(time.thread_time() - start)
    return sum(times) / len(times)


def network_s(network: Path, batch: int, packages: Path) -> float:
    """Processor time of the bare network per face, with the server's ONNX Runtime."""
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("network.py"), str(batch), network],
        env=os.environ | {"PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)

"""Measure the whole client on a video, beside the parts that bound it, in one run.

    python -m benchmarks VIDEO [--runs N] [--detector-model YUNET.onnx] [--json]

Three things are timed in turn, N times over, so that a noisy machine hits all alike, and the medians are
compared: decoding alone, decoding with detection and crops, and the whole client with the server. The
ratios say more than the frames per second, which are this machine's.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fer_client.analysis import analyse_video
from fer_client.concurrency import ordered_map, prefetch
from fer_client.console import notify
from fer_client.cropping import crop_faces
from fer_client.detection import DetectorChoice, FrameDetector, choose_detector
from fer_client.embedded import find_server
from fer_client.errors import FerError
from fer_client.inference import InferenceClient
from fer_client.interruption import Interruption
from fer_client.job import Job
from fer_client.settings import Settings
from fer_client.video import Frame, open_video


def decode(path: Path) -> int:
    """Decode a video and return its number of frames."""
    with open_video(path) as video:
        return sum(1 for _ in video.frames())


def detect(path: Path, choice: DetectorChoice, settings: Settings, crop_shape: tuple[int, int, int]) -> int:
    """Decode a video, find and cut out its faces as the client does, and return the number of frames."""
    detector = FrameDetector(choice, settings.detection_side, settings.min_face)

    def see(frame: Frame) -> int:
        faces = detector.detect(frame)
        return len(crop_faces(frame, faces.boxes_xywh, faces.landmarks_xy, crop_shape))

    workers = settings.detection_workers
    with open_video(path) as video:
        return sum(1 for _ in ordered_map(see, prefetch(video.frames(), 8), workers, 2 * workers))


def measure(path: Path, job: Job, runs: int) -> dict[str, float]:
    """Return the median frames per second of each stage over interleaved runs."""
    with tempfile.TemporaryDirectory() as folder:
        stages: dict[str, Callable[[], int]] = {
            "decode": lambda: decode(path),
            "decode_detect_crop": lambda: detect(path, job.detector, job.settings, job.contract.crop_shape),
            "whole": lambda: analyse_video(path, Path(folder) / "result", job, lambda _: None)[
                "frames_analysed"
            ],
        }
        rates: dict[str, list[float]] = {name: [] for name in stages}
        for _ in range(runs):
            for name, stage in stages.items():
                start = time.perf_counter()
                rates[name].append(stage() / (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in rates.items()}


def main() -> None:
    """Parse the arguments, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("video", type=Path)
    parser.add_argument("--runs", type=int, default=5, help="how often each stage runs (default 5)")
    parser.add_argument("--url", help="HOST:PORT of a running server; default as fer-client's")
    parser.add_argument("--detector-model", type=Path, help="YuNet's ONNX file")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    arguments = parser.parse_args()
    settings = Settings()
    try:
        choice = choose_detector("auto", arguments.detector_model, settings.min_score)
        interruption = Interruption()
        interruption.install()
        with (
            find_server(arguments.url, notify) as server,
            interruption.deferred(),
            InferenceClient(server.url, settings.timeout_s) as client,
        ):
            job = Job(settings, client, client.read_contract(), choice, client.server_version(), interruption)
            rates = measure(arguments.video, job, max(1, arguments.runs))
    except FerError as error:
        notify(f"benchmarks: {error}")
        sys.exit(error.exit_code)
    print(json.dumps(rates) if arguments.json else table(rates, choice.name))  # noqa: T201


def table(rates: dict[str, float], detector: str) -> str:
    """Lay the rates out, each with how many times faster it is than the whole client."""
    lines = [
        f"{name:<20}{rate:8.0f} frames/s   {rate / rates['whole']:5.2f} x whole"
        for name, rate in rates.items()
    ]
    return "\n".join([f"Median rates with {detector}:", *lines])


if __name__ == "__main__":
    main()

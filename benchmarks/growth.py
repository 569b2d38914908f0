"""Measure how the cost grows: with a video's length, its resolution, the faces in a frame, and clients on one server.

    python -m benchmarks growth VIDEO [--quick] [--runs 2]

VIDEO is repeated, enlarged, and put side by side with itself. The cost is processor time, of the client and of the
server, which other load on the machine changes little; for the clients, the time until all have ended, in the
core-seconds that others left. A straight line, start and rate, is fitted to each, and an exponent to what the rate
explains: 1 is linear.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.memory import enlarge, repeat
from benchmarks.records import exponent, marginal
from fer_client.bench.cost import Cost, measured
from fer_client.cli.console import notify
from fer_client.errors import ServerError
from fer_client.faces.detection import YUNET_NAME, choose_detector
from fer_client.inference.embedded import embedded_server
from fer_client.media.sources import video_file
from fer_client.outputs.result import write_result
from fer_client.pipeline.context import Job, open_job
from fer_client.pipeline.interruption import Interruption
from fer_client.settings import AUTO, Settings, usable_cores


@dataclass(frozen=True)
class Plan:
    """How many frames are used, how often they are repeated, at which sizes; faces in a frame; clients at once."""

    frames: int
    lengths: Sequence[int]
    sizes_wh: Sequence[tuple[int, int]]
    faces: Sequence[int]
    clients: Sequence[int]


FULL = Plan(
    120, (1, 2, 4, 8), ((640, 360), (1280, 720), (1920, 1080), (3840, 2160)), (1, 2, 4, 8, 12), (1, 2, 4)
)
QUICK = Plan(30, (1, 2, 4), ((640, 360), (1280, 720), (1920, 1080)), (1, 4, 12), (1, 2))

_TILE_WH = (320, 240)
_CANVAS_TILES = (4, 3)


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "video", type=Path, metavar="VIDEO", help="with one face, filling a good part of the picture"
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter ones")
    parser.add_argument("--runs", type=int, default=2, help="of each; the least counts (default 2)")


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure every curve and return the record."""
    choice = choose_detector(AUTO, arguments.detector_model, Settings().min_score)
    interruption, plan = Interruption(), QUICK if arguments.quick else FULL
    with tempfile.TemporaryDirectory() as folder, embedded_server(notify) as server:
        if server.process is None:
            raise ServerError("The embedded server has no process to measure.")
        base = Path(folder) / "base.mp4"
        enlarge(arguments.video, base, plan.sizes_wh[0], plan.frames)
        with open_job(Settings(), choice, server.url, notify, interruption) as job:
            curves = {
                name: _curve(name, sizes, unit, make, job, arguments.runs)
                for name, sizes, unit, make in _kinds(plan, base, Path(folder), arguments.video)
            }
        model = Path(choice.source) if choice.name == YUNET_NAME else None
        curves["clients"] = _clients(plan.clients, base, server.url, model, arguments.runs)
    return {"video": arguments.video.name, "detector": choice.name, "cores": usable_cores(), "curves": curves}


Make = Callable[[Any], Path]


def _kinds(
    plan: Plan, base: Path, folder: Path, video: Path
) -> Iterator[tuple[str, Sequence[Any], str, Make]]:
    def longer(times: int) -> Path:
        repeat(base, folder / f"{times}.mkv", times)
        return folder / f"{times}.mkv"

    def larger(size_wh: tuple[int, int]) -> Path:
        enlarge(video, folder / f"{size_wh[1]}.mp4", size_wh, plan.frames)
        return folder / f"{size_wh[1]}.mp4"

    def crowded(faces: int) -> Path:
        write_mosaic(video, folder / f"{faces}-faces.mp4", faces, plan.frames)
        return folder / f"{faces}-faces.mp4"

    yield "length", plan.lengths, "frames", longer
    yield "resolution", plan.sizes_wh, "pixels", larger
    yield "faces", plan.faces, "faces a frame", crowded


def _curve(name: str, sizes: Sequence[Any], unit: str, make: Make, job: Job, runs: int) -> dict[str, Any]:
    points = []
    for size in sizes:
        notify(f"{name}: {size}")
        clip = make(size)
        costs: list[Cost] = []
        result: dict[str, Any] = {}
        for _ in range(runs):
            with tempfile.TemporaryDirectory() as target, measured() as cost:
                result, _ = write_result(video_file(clip), Path(target) / "result", job, lambda _: None)
            costs.append(cost)
        points.append(_point(_size(name, size, result), costs, result))
    return _fitted(unit, points)


def _size(name: str, size: Any, result: dict[str, Any]) -> float:
    if name == "length":
        return float(result["frames_analysed"])
    if name == "resolution":
        return float(size[0] * size[1])
    return sum(track["frames"] for track in result["tracks"]) / float(result["frames_analysed"])


def _point(size: float, costs: Sequence[Cost], result: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": f"{size:g}",
        "size": size,
        "frames": result["frames_analysed"],
        "peak_mb": min(cost.peak_mb or 0.0 for cost in costs),
        "cost_s": min(cost.own_s for cost in costs),
        "runs": [
            {"processor_s": cost.own_s, "wall_s": cost.wall_s, "offered_s": cost.offered_s} for cost in costs
        ],
    }


def _clients(several: Sequence[int], clip: Path, url: str, model: Path | None, runs: int) -> dict[str, Any]:
    """Run several clients at once on one server; the cost is what the machine offered until all had ended."""
    points = []
    weights = ["--detector-model", str(model)] if model else []
    for clients in several:
        notify(f"clients: {clients}")
        costs = []
        for _ in range(runs):
            with tempfile.TemporaryDirectory() as folder, measured() as cost:
                command = [sys.executable, "-P", "-m", "fer_client", str(clip), "--url", url, *weights]
                started = [
                    subprocess.Popen(
                        [*command, "--out", f"{folder}/{number}"],
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                    )
                    for number in range(clients)
                ]
                codes = [process.wait() for process in started]
                if any(codes):
                    raise ServerError(f"A client of {clients} at once failed.")
            costs.append(cost)
        points.append(
            {
                "name": str(clients),
                "size": float(clients),
                "cost_s": min(cost.offered_s for cost in costs),
                "runs": [{"processor_s": cost.own_s, "wall_s": cost.wall_s} for cost in costs],
            }
        )
    return _fitted("clients", points)


def _fitted(unit: str, points: Sequence[dict[str, Any]]) -> dict[str, Any]:
    sizes, costs = [point["size"] for point in points], [point["cost_s"] for point in points]
    start, rate = marginal(sizes, costs)
    return {
        "unit": unit,
        "points": points,
        "start_s": start,
        "rate_s": rate,
        "exponent": exponent(sizes, costs),
    }


def write_mosaic(video: Path, out: Path, copies: int, frames: int) -> None:
    """Write the first frames of a video, reduced, so many times side by side on a gray canvas of one size."""
    across, down = _CANVAS_TILES
    width, height = _TILE_WH
    with av.open(str(video)) as source, av.open(str(out), "w") as target:
        stream = target.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height = across * width, down * height
        stream.pix_fmt = "yuv420p"
        for index, picture in enumerate(source.decode(video=0)):
            if index == frames:
                break
            tile = _fit(picture.to_ndarray(format="bgr24"))
            canvas = np.full((down * height, across * width, 3), 120, np.uint8)
            for copy in range(copies):
                row, column = divmod(copy, across)
                canvas[row * height : (row + 1) * height, column * width : (column + 1) * width] = tile
            frame = av.VideoFrame.from_ndarray(canvas, format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            target.mux(stream.encode(frame))
        target.mux(stream.encode())


def _fit(picture: NDArray[Any]) -> NDArray[np.uint8]:
    """Cut the middle of a picture to the tile's shape and reduce it."""
    height, width = picture.shape[:2]
    wanted = min(width, round(height * _TILE_WH[0] / _TILE_WH[1]))
    left = (width - wanted) // 2
    return np.asarray(
        cv2.resize(picture[:, left : left + wanted], _TILE_WH, interpolation=cv2.INTER_AREA), np.uint8
    )


def report(record: dict[str, Any]) -> str:
    """Lay the curves out, one per line."""
    lines = []
    for name, curve in record["curves"].items():
        points = ", ".join(f"{point['size']:g}: {point['cost_s']:.2f} s" for point in curve["points"])
        lines.append(
            f"{name} ({curve['unit']}): {points}; exponent {curve['exponent']:.2f}, start {curve['start_s']:.2f} s"
        )
    return "\n".join(lines)

"""Measure the server with NVIDIA's perf_analyzer: throughput and latency over batches, callers and settings.

    python -m benchmarks serving VIDEO [--quick] [--latency-limit 100]

Crops of the faces in VIDEO are sent to the ensemble, and what the networks take to each by itself. Beside every
batch stands the bare ONNX Runtime: the same networks in as many threads as there are cores, on the same cores, with
nothing between. The load of perf_analyzer itself is on these cores too.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import tritonclient.grpc as triton
from google.protobuf import text_format  # type: ignore[import-untyped]
from numpy.typing import NDArray
from tritonclient.grpc.model_config_pb2 import ModelConfig

from benchmarks.crops import video_crops
from benchmarks.perf_analyzer import Address, Load, measure_load, program, server, write_input
from fer_client.bench.cost import Cost, measured
from fer_client.cli.console import notify
from fer_client.contract import FACES, MODEL
from fer_client.errors import ServerError
from fer_client.faces.detection import choose_detector
from fer_client.settings import AUTO, Settings, usable_cores
from fer_server.cli import default_repository
from fer_server.environment import packages

PREPROCESS, NETWORK = "face_preprocess", "expression"
CROP_SHAPE = (96, 96, 1)
CHAINS = {MODEL: (PREPROCESS, NETWORK), PREPROCESS: (PREPROCESS,), NETWORK: (NETWORK,)}
"""What is served, and the networks that it runs one after the other."""


@dataclass(frozen=True)
class Plan:
    """What is measured: batches and callers of the ensemble, with shared memory too; of each network; of settings."""

    batches: Sequence[int]
    callers: Sequence[int]
    networks: Sequence[str]
    instances: Sequence[int]
    window_s: float


FULL = Plan((1, 8, 32, 64), (1, 2, 4, 8), (PREPROCESS, NETWORK), (1, 2, 4), 0.7)
QUICK = Plan((1, 32), (1, 4), (NETWORK,), (), 0.4)

Point = dict[str, Any]


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("video", type=Path, metavar="VIDEO", help="whose faces are sent")
    parser.add_argument("--quick", action="store_true", help="few points, in about a minute")
    parser.add_argument(
        "--latency-limit",
        type=float,
        default=100.0,
        metavar="MS",
        help="of the 95th percentile (default 100)",
    )
    parser.add_argument("--model-repository", type=Path, default=default_repository())


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure every point and return the record."""
    detector = choose_detector(AUTO, arguments.detector_model, Settings().min_score)
    plan, repository = QUICK if arguments.quick else FULL, arguments.model_repository
    with tempfile.TemporaryDirectory() as folder, program() as analyzer:
        scratch = Path(folder)
        crops = video_crops(arguments.video, detector, CROP_SHAPE)
        bench = _Bench(plan, repository, scratch, analyzer)
        with server(repository) as address:
            bench.write_inputs(crops, address)
            points = bench.curves(address)
        return {
            "server": "fer-server",
            "cores": usable_cores(),
            "crops": len(crops),
            "window_s": plan.window_s,
            "latency_limit_ms": arguments.latency_limit,
            "bare": bench.bare,
            "points": points,
            "settings": bench.settings(),
            "best": best(points, arguments.latency_limit),
        }


class _Bench:
    """Measures; `bare` has the bare networks' throughput by model and batch, once it is measured."""

    def __init__(
        self, plan: Plan, repository: Path, scratch: Path, analyzer: tuple[Path, Mapping[str, str]]
    ) -> None:
        self.plan = plan
        self.bare: dict[str, dict[str, Point]] = {}
        self._repository, self._scratch, self._analyzer = repository, scratch, analyzer
        self._packages = packages(os.environ, notify)

    def write_inputs(self, crops: NDArray[np.uint8], address: Address) -> None:
        """Write what each model takes; what the network takes is what the server makes of the crops."""
        write_input(self._data(MODEL), FACES, crops)
        write_input(self._data(PREPROCESS), FACES, crops)
        with triton.InferenceServerClient(address.grpc) as client:
            sent = triton.InferInput(FACES, list(crops.shape), "UINT8")
            sent.set_data_from_numpy(crops)
            made = client.infer(PREPROCESS, [sent]).as_numpy("NETWORK_INPUT")
        if made is None:
            raise ServerError(f"{PREPROCESS} gives no NETWORK_INPUT.")
        write_input(self._data(NETWORK), "NETWORK_INPUT", made)

    def curves(self, address: Address) -> list[Point]:
        """Measure the ensemble without and with shared memory, and each network, all batches and callers."""
        points = []
        for model, shared in [(MODEL, False), (MODEL, True), *((name, False) for name in self.plan.networks)]:
            for batch in self.plan.batches:
                self._measure_bare(model, batch)
                loads = [Load(model, batch, callers, shared) for callers in self.plan.callers]
                points += [self._point(load, address) for load in loads]
        return points

    def settings(self) -> list[Point]:
        """Measure single faces of many callers, and batches of a few, with each setting of the network."""
        points = []
        for instances, batching in product(self.plan.instances, (True, False)):
            folder = self._scratch / f"{instances}-{batching}"
            copy_repository(self._repository, folder, partial(set_up, instances=instances, batching=batching))
            with server(folder) as address:
                for batch, callers in ((1, 16), (32, 4)):
                    point = self._point(Load(MODEL, batch, callers), address)
                    points.append(point | {"instances": instances, "dynamic_batching": batching})
        return points

    def _point(self, load: Load, address: Address) -> Point:
        notify(
            f"{load.model}: batch {load.batch}, {load.concurrency} callers{', shared memory' * load.shared_memory}"
        )
        with measured() as cost:
            point = measure_load(load, address, self._data(load.model), self.plan.window_s, self._analyzer)
        return point | {"offered_share": _offered_share(cost)}

    def _data(self, model: str) -> Path:
        return self._scratch / f"{model}.json"

    def _measure_bare(self, model: str, batch: int) -> None:
        files = [str(self._repository / name / "1" / "model.onnx") for name in CHAINS[model]]
        words = [
            str(batch),
            "--callers",
            str(usable_cores()),
            "--seconds",
            str(3 * self.plan.window_s),
            *files,
        ]
        with measured() as cost:
            done = subprocess.run(
                [sys.executable, Path(__file__).with_name("network.py"), *words],
                env=os.environ | {"PYTHONPATH": str(self._packages)},
                capture_output=True,
                text=True,
                check=True,
            )
        point = {"faces_per_s": float(done.stdout), "offered_share": _offered_share(cost)}
        known = self.bare.setdefault(model, {})
        known[str(batch)] = max(point, known.get(str(batch), point), key=undisturbed)


def _offered_share(cost: Cost) -> float:
    """Which share of the cores' time other programs left."""
    return cost.undisturbed_s / cost.wall_s


def undisturbed(point: Point) -> float:
    """Return the faces per second that a point would have had, had other programs taken nothing of the cores."""
    return float(point["faces_per_s"]) / max(0.001, float(point["offered_share"]))


def copy_repository(source: Path, target: Path, change: Callable[[ModelConfig], None]) -> None:
    """Copy a model repository with another configuration of the network."""
    shutil.copytree(source, target)
    path = target / NETWORK / "config.pbtxt"
    config = text_format.Parse(path.read_text(encoding="utf-8"), ModelConfig())
    change(config)
    path.write_text(text_format.MessageToString(config), encoding="utf-8")


def set_up(config: ModelConfig, instances: int, batching: bool) -> None:
    """Set how many instances a model has on processors, and whether requests are joined."""
    del config.instance_group[:]
    config.instance_group.add(count=instances, kind="KIND_CPU")
    if not batching:
        config.ClearField("dynamic_batching")


def best(points: Sequence[Point], limit_ms: float) -> Point | None:
    """Return the ensemble's fastest point whose 95th percentile is within the limit; None where none is."""
    fit = [point for point in points if point["model"] == MODEL and point["p95_ms"] <= limit_ms]
    return max(fit, key=lambda point: float(point["faces_per_s"]), default=None)


def report(record: dict[str, Any]) -> str:
    """Lay the points out, one per line, with their share of the bare networks' throughput."""
    lines = [f"{record['crops']} crops of real faces; bare: ONNX Runtime in {record['cores']} threads."]
    lines += [_line(point, record["bare"]) for point in record["points"]]
    lines += [
        f"{_line(point, record['bare'])}; {point['instances']} instances, dynamic batching "
        f"{'on' if point['dynamic_batching'] else 'off'}"
        for point in record["settings"]
    ]
    return "\n".join([*lines, best_line(record)])


def best_line(record: dict[str, Any]) -> str:
    """Say which setting is the fastest within the limit."""
    limit, point = record["latency_limit_ms"], record["best"]
    if point is None:
        return f"No setting answers 95 % of its requests within {limit:g} ms."
    shared = ", shared memory" if point["shared_memory"] else ""
    return (
        f"Fastest with 95 % of its requests within {limit:g} ms: batches of {point['batch']}, {point['concurrency']} "
        f"at once{shared}: {point['faces_per_s']:.0f} faces/s."
    )


def share_of_bare(point: Point, bare: Mapping[str, Mapping[str, Point]]) -> float | None:
    """Return a point's throughput over the bare networks' with the same batch, other programs' load taken out."""
    beside = bare.get(point["model"], {}).get(str(point["batch"]))
    return undisturbed(point) / undisturbed(beside) if beside else None


def _line(point: Point, bare: Mapping[str, Mapping[str, Point]]) -> str:
    share = share_of_bare(point, bare)
    return (
        f"  {point['model']:<15} batch {point['batch']:>2}, {point['concurrency']:>2} at once"
        f"{', shared memory' if point['shared_memory'] else '':<15} {point['faces_per_s']:7.0f} faces/s"
        f"{'' if share is None else f' ({share:.2f} of bare)'}, p50 {point['p50_ms']:.1f} ms, "
        f"p95 {point['p95_ms']:.1f}, p99 {point['p99_ms']:.1f}"
    )

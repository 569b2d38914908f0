"""Measure the whole client beside what bounds it.

    python -m benchmarks client VIDEO... [--runs N] [--compare 2 3 8]

The first video gives the efficiency over the floor and the memory; all of them together how far detecting on few frames
agrees with detecting on each. The server is an embedded one, on the same cores. The ratios say more than the frames per
second, which are this machine's: see docs/speed.md.
"""

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.agreement import Agreement, agreement
from benchmarks.efficiency import efficiency
from benchmarks.memory import help_cost, install_mb, memory
from fer_client.cli.console import notify
from fer_client.errors import FerError, ServerError
from fer_client.faces.detection import choose_detector
from fer_client.inference.embedded import Server, embedded_server
from fer_client.pipeline.context import Job, open_job
from fer_client.pipeline.interruption import Interruption
from fer_client.settings import AUTO, Settings
from fer_server.cli import default_repository
from fer_server.environment import packages


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("videos", type=Path, nargs="+", metavar="VIDEO")
    parser.add_argument("--runs", type=int, default=3, help="how often each part is timed (default 3)")
    parser.add_argument(
        "--compare",
        type=int,
        nargs="*",
        default=[],
        metavar="N",
        help="other --detect-every to compare with 1",
    )


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure everything with one embedded server and return the record."""
    videos, model, runs = arguments.videos, arguments.detector_model, max(1, arguments.runs)
    with _served(model) as (job, server):
        every = sorted({1, job.settings.detect_every})
        record: dict[str, Any] = {
            "server": job.server_version,
            "detector": job.detector.name,
            "video": videos[0].name,
            "efficiency": _efficiency(videos[0], job, server, every, runs),
            "agreement": agreements(videos, job, sorted({*arguments.compare, job.settings.detect_every})),
            "memory": memory(videos[0], server.url, model),
        }
    return record | {"help": help_cost(runs), "install_mb": install_mb()}


def measure_efficiency(video: Path, model: Path | None, runs: int, every: Sequence[int]) -> dict[str, Any]:
    """Measure the client on one video for each `detect_every` beside its floor, with an embedded server."""
    with _served(model) as (job, server):
        return _efficiency(video, job, server, every, runs)


def _efficiency(video: Path, job: Job, server: Server, every: Sequence[int], runs: int) -> dict[str, Any]:
    if server.process is None:
        raise ServerError("The embedded server has no process to measure.")
    folder, network = packages(os.environ, notify), default_repository() / "expression/1/model.onnx"
    return efficiency(video, job, server.process.pid, folder, network, every, runs)


@contextmanager
def _served(model: Path | None) -> Iterator[tuple[Job, Server]]:
    settings = Settings()
    choice = choose_detector(AUTO, model, settings.min_score)
    interruption = Interruption()
    interruption.install()
    with (
        embedded_server(notify) as server,
        open_job(settings, choice, server.url, notify, interruption) as job,
    ):
        yield job, server


def agreements(videos: Sequence[Path], job: Job, every: Sequence[int]) -> dict[str, Any]:
    """Compare each `detect_every` with 1, over all videos; and the default, video by video."""
    totals = dict.fromkeys(every, Agreement())
    shares = {}
    for video in videos:
        try:
            found = agreement(video, job, every)
        except FerError as error:
            notify(f"benchmarks: {error}")
            continue
        totals = {steps: totals[steps] + one for steps, one in found.items()}
        shares[video.name] = _counted(found[job.settings.detect_every])
    return {
        "detect_every": {str(steps): _counted(total) for steps, total in totals.items()},
        "all": _counted(totals[job.settings.detect_every]),
        "videos": shares,
    }


def _counted(one: Agreement) -> dict[str, float]:
    return asdict(one) | one.shares()


def report(record: dict[str, Any]) -> str:
    """Lay the ratios out, one per line."""
    parts = record["efficiency"]
    lines = [
        f"{record['video']}, {record['detector']}, {parts['cores']} cores; the least of several runs each:",
        f"  the floor's parts   decode {parts['decode_core_s']:.2f} s, {parts['detection_core_ms']:.2f} ms per "
        f"detection, {parts['network_core_ms_per_face']:.2f} ms per face",
    ]
    for every, ratio in parts["detect_every"].items():
        lines.append(
            f"  detect every {every:>2}     {ratio['frames_per_s']:.0f} frames/s; {ratio['wall_over_floor']:.2f} x the "
            f"floor in wall time, {ratio['offered_over_floor']:.2f} x in the core-seconds that other load left, "
            f"{ratio['own_over_floor']:.2f} x in its own processor time"
        )
    kept, peak = record["agreement"]["all"], record["memory"]
    lines += [
        f"Detecting on {100 * kept['share_of_frames_detected']:.0f} % of the {kept['frames']} frames of all videos "
        f"keeps {100 * kept['share_of_faces']:.1f} % of the {kept['faces']} faces and "
        f"{100 * kept['share_of_expressions']:.1f} % of their expressions.",
        f"Peak memory {peak['short_mb']:.0f} MB, {peak['long_over_short']:.2f} x that on a clip ten times as long, "
        f"{peak['full_hd_mb']:.0f} MB at 1080p.",
        f"Help after {record['help']['wall_s']:.2f} s, {record['help']['own_s']:.2f} s of processor time. "
        f"Base installation {record['install_mb']:.0f} MB.",
    ]
    return "\n".join(lines)

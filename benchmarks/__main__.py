"""Measure the whole client beside what bounds it, in one run.

    python -m benchmarks VIDEO... [--runs N] [--detector-model YUNET.onnx] [--compare 2 3 8] [--record FILE]
        [--peer-python PYTHON]

The first video gives the efficiency over the floor, the memory and the peer's speed; all of them together how
far detecting on few frames agrees with detecting on each. The server is an embedded one, on the same cores.
The ratios say more than the frames per second, which are this machine's: see docs/speed.md.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.agreement import Agreement, agreement
from benchmarks.efficiency import efficiency
from benchmarks.memory import help_cost, install_mb, memory
from fer_client.cli.console import notify
from fer_client.errors import FerError, ServerError
from fer_client.faces.detection import choose_detector
from fer_client.inference.client import InferenceClient
from fer_client.inference.server import embedded_server
from fer_client.pipeline.context import Job
from fer_client.pipeline.interruption import Interruption
from fer_client.settings import AUTO, Settings
from fer_server.cli import default_repository
from fer_server.environment import packages

_PEER_FRAMES = 100


def measure(
    videos: Sequence[Path], model: Path | None, runs: int, peer: str | None, compared: Sequence[int]
) -> dict[str, Any]:
    """Measure everything with one embedded server and return the record."""
    settings = Settings()
    choice = choose_detector(AUTO, model, settings.min_score)
    folder, network = packages(os.environ, notify), default_repository() / "expression/1/model.onnx"
    interruption = Interruption()
    interruption.install()
    with (
        embedded_server(notify) as server,
        interruption.deferred(),
        InferenceClient(server.url, settings.timeout_s) as client,
    ):
        if server.process is None:
            raise ServerError("The embedded server has no process to measure.")
        job = Job(settings, client, client.read_contract(), choice, client.server_version(), interruption)
        every = sorted({1, settings.detect_every})
        record: dict[str, Any] = {
            "machine": {"processor": platform.machine(), "python": platform.python_version()},
            "server": job.server_version,
            "detector": choice.name,
            "video": videos[0].name,
            "efficiency": efficiency(videos[0], job, server.process.pid, folder, network, every, runs),
        }
        if peer:
            record["peer"] = peer_speed(peer, videos[0], runs)
        record["agreement"] = agreements(videos, job, sorted({*compared, settings.detect_every}))
        record["memory"] = memory(videos[0], server.url, model)
    return record | {"help": help_cost(runs), "install_mb": install_mb()}


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


def peer_speed(python: str, video: Path, runs: int) -> dict[str, float]:
    """Run the `fer` package a few times in a Python that has it, and keep its best."""
    command = [python, str(Path(__file__).with_name("peer.py")), str(video), str(_PEER_FRAMES)]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    speeds = []
    for _ in range(runs):
        done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, text=True, check=True)
        speeds.append([float(word) for word in done.stdout.split()[-2:]])
    rates, own = zip(*speeds, strict=True)
    return {"frames_per_s": max(rates), "own_s_per_frame": min(own)}


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
        if peer := record.get("peer"):
            rates = ratio["frames_per_s"] / peer["frames_per_s"]
            costs = peer["own_s_per_frame"] / ratio["own_s_per_frame"]
            lines.append(
                f"                      {rates:.1f} x the frames per second of the fer package, "
                f"{costs:.1f} x as many per second of processor time"
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


def main() -> None:
    """Parse the arguments, measure, print and write the record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("videos", type=Path, nargs="+", metavar="VIDEO")
    parser.add_argument("--runs", type=int, default=3, help="how often each part is timed (default 3)")
    parser.add_argument("--detector-model", type=Path, help="YuNet's ONNX file")
    parser.add_argument(
        "--compare",
        type=int,
        nargs="*",
        default=[],
        metavar="N",
        help="other --detect-every to compare with 1",
    )
    parser.add_argument("--record", type=Path, help="JSON file for all figures")
    parser.add_argument("--peer-python", metavar="PYTHON", help="a Python that has the package fer")
    arguments = parser.parse_args()
    try:
        runs = max(1, arguments.runs)
        record = measure(
            arguments.videos, arguments.detector_model, runs, arguments.peer_python, arguments.compare
        )
    except FerError as error:
        notify(f"benchmarks: {error}")
        sys.exit(error.exit_code)
    print(report(record))  # noqa: T201
    if arguments.record:
        arguments.record.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

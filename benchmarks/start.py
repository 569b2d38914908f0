"""Measure how long a person waits: from the command to the first row of faces.csv, and what comes before.

    python -m benchmarks start VIDEO [--runs 7]

With a server that runs and with the embedded one, in turn, after one run of each that does not count. The times of the
quickest run are told, since whatever else runs makes a start longer, never shorter.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.stamped import FIRST_ROW, STARTED
from fer_client.cli.console import notify
from fer_client.errors import UsageError
from fer_client.inference.embedded import URL_VARIABLE, embedded_server
from fer_client.settings import usable_cores

RUNNING, EMBEDDED = "running", "embedded"

SHOWN = {
    STARTED: "Python runs",
    "options read": "options are read",
    "detector found": "libraries are there, the detector is chosen",
    "inputs opened once": "the input was opened",
    "contract read": "a server says what it serves",
    "probe answered": "and has answered for the fixed crops",
    "first decode": "the first frame is decoded",
    "first detect": "its faces are found",
    "first wait_for_server": "the first batch is answered",
    FIRST_ROW: "the first row stands",
}
"""Stages in their order, and what is so at their end."""

Stages = dict[str, dict[str, float]]
"""By stage, seconds since the command by each clock, `wall_s` and `processor_s`."""


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("video", type=Path, metavar="VIDEO", help="with a face in its first frames")
    parser.add_argument("--runs", type=int, default=7, help="of each kind (default 7)")


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure both kinds of start, and return the record."""
    model = ["--detector-model", str(arguments.detector_model)] if arguments.detector_model else []
    taken: dict[str, list[Stages]] = {RUNNING: [], EMBEDDED: []}
    with embedded_server(notify) as server:
        words = {RUNNING: [*model, "--url", server.url], EMBEDDED: model}
        for number in range(arguments.runs + 1):
            for kind, runs in taken.items():
                notify(
                    f"{kind} server, run {number} of {arguments.runs}"
                    if number
                    else f"{kind} server, not counted"
                )
                runs.append(start(arguments.video, words[kind]))
    starts = {kind: {"stages": quickest(runs[1:]), "runs": runs[1:]} for kind, runs in taken.items()}
    return {"video": arguments.video.name, "cores": usable_cores(), "starts": starts}


def start(video: Path, words: Sequence[str]) -> Stages:
    """Run the command once, and return when each stage ended. Raises UsageError where there is no row."""
    program = Path(__file__).with_name("stamped.py")
    # As users run it: with the bytecode that an earlier run has left, and with no server named but by `words`.
    left_out = ("PYTHONDONTWRITEBYTECODE", URL_VARIABLE)
    environ = {name: value for name, value in os.environ.items() if name not in left_out}
    with tempfile.TemporaryDirectory() as folder:
        stamps = Path(folder) / "stamps.json"
        command = [
            sys.executable,
            "-P",
            str(program),
            str(stamps),
            str(video),
            *words,
            "--out",
            f"{folder}/out",
        ]
        began_s = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
        if done.returncode:
            raise UsageError(f"fer-client {video} ended with code {done.returncode}: {done.stderr.strip()}")
        return since(json.loads(stamps.read_text(encoding="utf-8")), began_s, video)


def since(stamps: Stages, began_s: float, video: Path) -> Stages:
    """Count the wall time from the command on. Raises UsageError where there is no row."""
    if FIRST_ROW not in stamps:
        raise UsageError(f"{video} gives no row; expected a video with frames.")
    return {stage: at | {"wall_s": at["wall_s"] - began_s} for stage, at in stamps.items()}


def quickest(runs: Sequence[Stages]) -> Stages:
    """Return the stages of the run whose first row came soonest, by each clock."""
    best = {clock: min(runs, key=lambda run: run[FIRST_ROW][clock]) for clock in ("wall_s", "processor_s")}
    return {
        stage: {clock: run[stage][clock] for clock, run in best.items()}
        for stage in SHOWN
        if all(stage in run for run in best.values())
    }


def report(record: dict[str, Any]) -> str:
    """Lay the stages out, one per line."""
    lines = [
        f"{record['video']}, {record['cores']} cores; seconds since the command, of the processor in brackets:"
    ]
    for kind, figures in record["starts"].items():
        lines.append(f"{kind} server")
        lines += [
            f"  {SHOWN[stage]:<45}{at['wall_s']:6.2f} ({at['processor_s']:.2f})"
            for stage, at in figures["stages"].items()
        ]
    return "\n".join(lines)

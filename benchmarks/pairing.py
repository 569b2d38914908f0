"""Run two checkouts in turn on the same videos, so that both meet the same load, and write a record of each.

    python -m benchmarks pair BEFORE AFTER VIDEO... [--runs 5] --records before.json after.json

A checkout's own `.venv` runs it. The whole command is measured, with its embedded server, from start to end; which
of the two goes first changes each time.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.comparing import report as comparison
from benchmarks.records import compare, run_conditions, write_record
from fer_client.cli.console import notify
from fer_client.errors import UsageError


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("before", type=Path, help="a checkout with a .venv")
    parser.add_argument("after", type=Path, help="another one")
    parser.add_argument("videos", type=Path, nargs="+", metavar="VIDEO")
    parser.add_argument("--runs", type=int, default=5, help="of each checkout (default 5)")
    parser.add_argument(
        "--records", type=Path, nargs=2, metavar="JSON", default=[Path("before.json"), Path("after.json")]
    )


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure both checkouts, write both records, and return what changed."""
    checkouts: Sequence[Path] = (arguments.before, arguments.after)
    pythons = [checkout / ".venv" / "bin" / "python" for checkout in checkouts]
    for python in pythons:
        if not python.exists():
            raise UsageError(
                f"{python} is missing: expected a checkout with its environment (`make test` makes it)."
            )
    pair, before = uuid.uuid4().hex, run_conditions()
    taken: list[dict[str, list[dict[str, float]]]] = [
        {str(video): [] for video in arguments.videos} for _ in pythons
    ]
    for number in range(arguments.runs):
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            for video in arguments.videos:
                notify(f"{checkouts[which]}: {video}, run {number + 1} of {arguments.runs}")
                taken[which][str(video)].append(run_command(video, arguments.detector_model, pythons[which]))
    records = [
        {
            "conditions": before,
            "checkout": str(checkout),
            "pair": pair,
            "videos": [{"name": Path(name).name, "runs": runs} for name, runs in one.items()],
        }
        for checkout, one in zip(checkouts, taken, strict=True)
    ]
    for path, record in zip(arguments.records, records, strict=True):
        write_record(path, record)
    return {"changes": compare(*records), "is_one_machine": True, "shows_all": True}


report = comparison


def run_command(video: Path, model: Path | None, python: Path = Path(sys.executable)) -> dict[str, float]:
    """Wall and processor time of the whole command, its embedded server included, in seconds.

    Raises UsageError where it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        weights = ["--detector-model", str(model)] if model else []
        command = [str(python), "-P", "-m", "fer_client", str(video), "--out", folder, "--json", *weights]
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall_s = time.perf_counter() - start
    if process.returncode:
        raise UsageError(f"{python} -m fer_client {video} ended with code {process.returncode}.")
    return {"wall_s": wall_s, "processor_s": usage.ru_utime + usage.ru_stime}

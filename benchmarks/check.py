"""Fail where the client costs too much beside its floor: a ratio within one run, which other load moves little.

    python -m benchmarks check VIDEO

The processor time of client and server is compared with that of decoding, detecting and the bare network, each the
least of a few runs that take turns (docs/speed.md). The bounds are generous: they are for what makes the client
half as slow again, and `tests/client/bench/test_python_calls.py` counts what is finer.
"""

import argparse
from pathlib import Path
from typing import Any

from benchmarks.client import measure_efficiency
from fer_client.errors import FerError

BOUNDS = {1: 2.0, 6: 2.6}
"""Most of the processor time over the floor's by `--detect-every`; 1.24 and 1.46 on two idle cores."""


class TooCostly(FerError):
    """The client costs more beside its floor than it may."""


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("video", type=Path, metavar="VIDEO")
    parser.add_argument("--runs", type=int, default=3, help="of which the least count (default 3)")


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure the ratios. Raises TooCostly where one is above its bound."""
    found = measure_efficiency(arguments.video, arguments.detector_model, arguments.runs, list(BOUNDS))
    ratios = {every: found["detect_every"][str(every)]["own_over_floor"] for every in BOUNDS}
    if too_much := {every: ratio for every, ratio in ratios.items() if ratio > BOUNDS[every]}:
        raise TooCostly("; ".join(_line(every, ratio) for every, ratio in too_much.items()))
    return {"ratios": {str(every): ratio for every, ratio in ratios.items()}}


def report(record: dict[str, Any]) -> str:
    """One line per ratio."""
    return "\n".join(_line(int(every), ratio) for every, ratio in record["ratios"].items())


def _line(every: int, ratio: float) -> str:
    return f"--detect-every {every}: {ratio:.2f} times the floor's processor time; at most {BOUNDS[every]:.1f} may be"

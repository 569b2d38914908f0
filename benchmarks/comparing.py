"""Say what has changed from one record to another beyond noise, by medians of repeated runs.

    python -m benchmarks compare A.json B.json [--all]

The 95 % interval of a ratio comes from a bootstrap over the runs; runs that `python -m benchmarks pair` took in
turn are compared pair by pair, so that what came and went on the machine meanwhile falls out.
"""

import argparse
from pathlib import Path
from typing import Any

from benchmarks.records import LEAST_RUNS, Change, compare, read_record
from fer_client.errors import InputError


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("first", type=Path, metavar="A.json")
    parser.add_argument("second", type=Path, metavar="B.json")
    parser.add_argument("--all", action="store_true", help="show the figures that did not change too")


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Compare the two records. Raises InputError where they have no figure of several runs in common."""
    first, second = read_record(arguments.first), read_record(arguments.second)
    changes = compare(first, second)
    if not changes:
        raise InputError(
            f"{arguments.first} and {arguments.second} have no figure of several runs in common."
        )
    machines = [record.get("conditions", {}).get("machine") for record in (first, second)]
    return {"changes": changes, "is_one_machine": machines[0] == machines[1], "shows_all": arguments.all}


def report(record: dict[str, Any]) -> str:
    """One line per figure, B over A."""
    changes: list[Change] = record["changes"]
    shown = [one for one in changes if one.is_beyond_noise or record["shows_all"]]
    beyond = sum(one.is_beyond_noise for one in changes)
    lines = [f"{beyond} of {len(changes)} figures changed beyond noise."]
    if not record["is_one_machine"]:
        lines.append("Note: the records are of different machines.")
    if few := sum(min(one.runs) < LEAST_RUNS for one in changes):
        lines.append(f"{few} have fewer than {LEAST_RUNS} runs on a side, of which nothing is told.")
    return "\n".join(lines + [_line(one) for one in shown])


def _line(one: Change) -> str:
    mark = " " if not one.is_beyond_noise else "+" if one.ratio > 1 else "-"
    pairs = "pairs" if one.is_paired else f"{one.runs[0]} and {one.runs[1]} runs"
    return (
        f"{mark} {one.name}: {one.first:.4g} -> {one.second:.4g}, {one.ratio:.3f} times "
        f"({one.low:.3f} to {one.high:.3f}; {pairs})"
    )

"""Measure, each kind of figure by a command of its own.

    python -m benchmarks client VIDEO...      the whole client beside what bounds it, memory, agreement
    python -m benchmarks original VIDEO       the latency table of the original system, on clips of its sizes
    python -m benchmarks start VIDEO          from the command to the first row
    python -m benchmarks serving VIDEO        the server, with NVIDIA's perf_analyzer
    python -m benchmarks peers VIDEO          the `fer` package, side by side
    python -m benchmarks growth VIDEO         cost against length, resolution, faces and clients
    python -m benchmarks live [FILE]          the live view
    python -m benchmarks compare A.json B.json     what changed from one record to another
    python -m benchmarks pair BEFORE AFTER VIDEO   two checkouts in turn
    python -m benchmarks check VIDEO          fails where the client costs too much beside its floor

--record FILE keeps all figures, with the machine, the versions and the commit; `python -m benchmarks.pages` writes
those in benchmarks/results into the docs.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.records import run_conditions, write_record
from fer_client.cli.console import notify
from fer_client.errors import FerError

COMMANDS = {
    "client": "benchmarks.client",
    "original": "benchmarks.original",
    "start": "benchmarks.start",
    "serving": "benchmarks.serving",
    "peers": "benchmarks.peers",
    "growth": "benchmarks.growth",
    "live": "benchmarks.live",
    "compare": "benchmarks.comparing",
    "pair": "benchmarks.pairing",
    "check": "benchmarks.check",
}
"""Modules with `options(parser)`, `measure(arguments)`, which gives the record, and `report(record)`, its text."""


def run(words: Sequence[str]) -> int:
    """Run the command that the first word names; return its exit code."""
    names = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names.add_argument("command", choices=COMMANDS)
    name = names.parse_args(words[:1]).command
    module = importlib.import_module(COMMANDS[name])
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks {name}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.options(parser)
    parser.add_argument("--detector-model", type=Path, help="YuNet's ONNX file")
    parser.add_argument("--record", type=Path, help="JSON file for all figures")
    arguments = parser.parse_args(words[1:])
    try:
        before = run_conditions()
        record = module.measure(arguments)
        print(module.report(record))  # noqa: T201
        if arguments.record:
            write_record(arguments.record, {"conditions": before} | record)
    except FerError as error:
        notify(f"benchmarks: {error}")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))

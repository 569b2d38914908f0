"""NVIDIA's `perf_analyzer`: where it comes from, one measurement with it, and the server that it measures."""

import base64
import csv
import io
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from benchmarks.environments import environment
from fer_client.cli.console import notify
from fer_client.errors import ServerError
from fer_server.environment import packages

_NEEDED = ("libb64.so.0d", "libcudart.so.12")
"""Libraries that it looks for; the server's packages have them under names with a hash in."""

_LONGER = 4
_DOOR = "bench"

_OUTPUT_BYTES = 1 << 20
"""Of shared memory for one output: more than the largest one, 64 pictures of 48x48 as float32."""

_COLUMNS = {
    **{f"p{percent}_ms": f"p{percent} latency" for percent in (50, 90, 95, 99)},
    "queue_ms": "Server Queue",
    "compute_ms": "Server Compute Infer",
}


@dataclass(frozen=True)
class Address:
    """A server that answers, at HOST:PORT of its gRPC; `key` opens its shared memory."""

    grpc: str
    key: str


@dataclass(frozen=True)
class Load:
    """One measurement to be made: what is asked, how many rows a request, and requests under way at once."""

    model: str
    batch: int
    concurrency: int
    shared_memory: bool = False


@contextmanager
def server(repository: Path) -> Iterator[Address]:
    """Serve a repository for the length of the block, with shared memory open to whoever has the key."""
    key = secrets.token_hex(8)
    command = [sys.executable, "-P", "-m", "fer_server", "--json", "--auto-ports", "--stop-on-eof"]
    command += ["--model-repository", str(repository), "--allow-http=false", "--allow-metrics=false"]
    command += [f"--grpc-restricted-protocol=shared-memory:{_DOOR}={key}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            answer = json.loads(process.stdout.readline() or "{}")
            if "grpc" not in answer:
                raise ServerError(f"The server did not start: {answer.get('error', 'it said nothing')}")
            yield Address(answer["grpc"], key)
        finally:
            process.stdin.close()


@contextmanager
def program() -> Iterator[tuple[Path, Mapping[str, str]]]:
    """Give the program and the environment in which it finds its libraries."""
    bundled = packages(os.environ, notify) / "nvidia_pytriton.libs"
    with tempfile.TemporaryDirectory(prefix="perf-analyzer-") as folder:
        for name in _NEEDED:
            stem = name.partition(".so")[0]
            (Path(folder) / name).symlink_to(next(bundled.glob(f"{stem}-*")))
        environ = os.environ | {"LD_LIBRARY_PATH": folder}
        binary = environment("perf_analyzer") / "bin" / "perf_analyzer"
        binary.chmod(0o755)
        yield binary, environ


def write_input(path: Path, name: str, rows: NDArray[Any]) -> None:
    """Write rows, [N, ...], as the data of the input `name`; a request takes the next ones, as many as it has rows."""
    entries = [{name: {"b64": base64.b64encode(row.tobytes()).decode()}} for row in rows]
    path.write_text(json.dumps({"data": entries}), encoding="utf-8")


def measure_load(
    load: Load, address: Address, data: Path, window_s: float, analyzer: tuple[Path, Mapping[str, str]]
) -> dict[str, Any]:
    """Measure one load over three windows of so many seconds, longer ones where too few requests end in them.

    Raises ServerError with what the program says where it fails.
    """
    binary, environ = analyzer
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.csv"
        for longer in (1, _LONGER):
            command = [
                str(binary),
                *_words(load, address, data, report),
                "-p",
                str(round(1000 * window_s * longer)),
            ]
            done = subprocess.run(
                command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            if done.returncode == 0 and report.is_file():
                return asdict(load) | read_report(report.read_text(encoding="utf-8"))
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    why = next((line for line in lines if "rror" in line), (lines or ["nothing"])[-1])
    raise ServerError(f"perf_analyzer for {load} says: {why}")


def _words(load: Load, address: Address, data: Path, report: Path) -> Iterator[str]:
    yield from ("-m", load.model, "-i", "grpc", "-u", address.grpc, "-b", str(load.batch))
    yield from ("--concurrency-range", str(load.concurrency), "--input-data", str(data))
    yield from ("-r", "3", "-s", "500", "--percentile=95", "-f", str(report))
    if load.shared_memory:
        yield from ("--shared-memory", "system", "--output-shared-memory-size", str(_OUTPUT_BYTES))
        yield from ("-H", f"triton-grpc-protocol-{_DOOR}:{address.key}")


def read_report(text: str) -> dict[str, float]:
    """Read the program's CSV file with one line of figures: rows a second, and milliseconds of a request."""
    (line,) = csv.DictReader(io.StringIO(text))
    return {"faces_per_s": float(line["Inferences/Second"])} | {
        name: float(line[column]) / 1000 for name, column in _COLUMNS.items()
    }

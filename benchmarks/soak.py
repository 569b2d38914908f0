"""Load one server with many clients for minutes, and report what grows, what fails and how long requests wait.

    python -m benchmarks.soak [--minutes 5] [--clients 8] [--in-flight 2] [--faces 16] [--attack] [--record soak.json]

Every client has a connection of its own and sends the same crops, so that each answer can be compared with the first.
Memory and open files are compared between the second quarter of the time without attack and the last: the first one
warms up. With `--attack` a process that means harm works during the second half, and the figures of both halves stand
beside each other; clients and attack share this machine with the server. Without `--url` the embedded server is loaded.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from array import array
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tritonclient.grpc as triton
from numpy.typing import NDArray

from fer_client.bench.cost import measured, process_tree
from fer_client.cli.console import notify
from fer_client.contract import MODEL, Contract
from fer_client.errors import FerError
from fer_client.inference.client import InferenceClient
from fer_client.inference.embedded import Server
from fer_client.inference.probe import TOLERANCE, probe_crops
from fer_client.inference.server import find_server
from fer_client.settings import usable_cores

_DEADLINE_S = 60.0
_SAMPLE_S = 1.0

MOST_GROWTH = 0.05
MOST_SLOWER = 2.0
"""Growth of memory and open files, and slowing down by an attack, above which a run ends with 1."""


@dataclass
class Load:
    """What the clients have seen: answers and errors.

    `answers` has an array for each client: the time of each answer, on `time.monotonic`, and its latency, in turns.
    Sixteen bytes an answer, as what the clients' process keeps counts as its growth.
    """

    answers: list["array[float]"] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Usage:
    """Resident memory and open files of some processes together."""

    memory_mb: float
    files: int


def usage(pids: Sequence[int]) -> Usage:
    """Add up what processes use; one that has ended uses nothing."""
    kilobytes = files = 0
    for pid in pids:
        with suppress(OSError):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
            files += len(os.listdir(f"/proc/{pid}/fd"))
    return Usage(kilobytes / 1024, files)


def client(url: str, crops: NDArray[np.uint8], in_flight: int, load: Load) -> None:
    """Send the crops again and again, uint8 [N, H, W, C], so many requests at once, until the load is to stop."""
    with InferenceClient(url, _DEADLINE_S) as connection:
        contract = connection.read_contract()
        expected = connection.submit(crops, contract).result(_DEADLINE_S).expression
        answers: array[float] = array("d")
        load.answers.append(answers)
        under_way: deque[tuple[float, Any]] = deque()
        while not load.stop.is_set() or under_way:
            while len(under_way) < in_flight and not load.stop.is_set():
                under_way.append((time.monotonic(), connection.submit(crops, contract)))
            sent_s, answer = under_way.popleft()
            try:
                got = answer.result(_DEADLINE_S + 5).expression
            except (FerError, TimeoutError) as error:
                load.errors[str(error)] += 1
                continue
            now_s = time.monotonic()
            answers.extend((now_s, now_s - sent_s))
            if np.abs(got - expected).max() > TOLERANCE:
                load.errors["another answer than the first"] += 1


def model_figures(before: Any, after: Any) -> dict[str, dict[str, float]]:
    """Per model that computes: mean batch, mean time in the queue and in the network, from Triton's statistics."""
    found = {}
    old = {entry.name: entry for entry in before.model_stats}
    for entry in after.model_stats:
        requests = entry.inference_stats.success.count - old[entry.name].inference_stats.success.count
        executions = entry.execution_count - old[entry.name].execution_count
        if entry.name == MODEL or not executions or not requests:  # the ensemble computes nothing itself
            continue
        waited = entry.inference_stats.queue.ns - old[entry.name].inference_stats.queue.ns
        found[entry.name] = {
            "requests": requests,
            "faces_per_execution": round(
                (entry.inference_count - old[entry.name].inference_count) / executions, 2
            ),
            "queue_ms": round(waited / requests / 1e6, 2),
        }
    return found


def latencies(answers: NDArray[np.float64], start_s: float, end_s: float) -> dict[str, float]:
    """Requests per second within a time, with median and 95th percentile of their latencies in milliseconds.

    `answers` [N, 2] are times and latencies, in seconds.
    """
    at_s, latency_s = answers.T
    found = latency_s[(start_s <= at_s) & (at_s < end_s)]
    if not len(found):
        return {"requests_per_s": 0.0}
    return {
        "requests_per_s": round(len(found) / (end_s - start_s), 1),
        "median_ms": round(1000 * float(np.median(found)), 1),
        "p95_ms": round(1000 * float(np.percentile(found, 95)), 1),
    }


def growth(samples: Sequence[Usage]) -> dict[str, float]:
    """Compare the last quarter of the samples with the second one, by their medians."""
    quarter = max(1, len(samples) // 4)
    early, late = samples[quarter : 2 * quarter] or samples, samples[-quarter:]
    found: dict[str, float] = {}
    for name in ("memory_mb", "files"):
        first, last = (statistics.median(getattr(sample, name) for sample in part) for part in (early, late))
        found[name] = round(last, 1)
        found[f"{name}_growth"] = round(last / first - 1, 4) if first else 0.0
    return found


def run(server: Server, options: argparse.Namespace) -> dict[str, Any]:
    """Load the server and return the figures."""
    with InferenceClient(server.url, _DEADLINE_S) as connection:
        contract = connection.read_contract()
    crops = _crops(contract, options.faces)
    load, span_s = Load(), 60 * options.minutes
    arguments = (server.url, crops, options.in_flight, load)
    clients = [threading.Thread(target=client, args=arguments) for _ in range(options.clients)]
    asked = triton.InferenceServerClient(server.url)
    before = asked.get_inference_statistics()
    pid = server.process.pid if server.process else os.getpid()
    with measured(pid) as cost:
        for thread in clients:
            thread.start()
        start_s = time.monotonic()
        mine, its = _sample(server, start_s, span_s, options.attack)
        load.stop.set()
        for thread in clients:
            thread.join()
    middle_s, end_s = start_s + span_s / 2, start_s + span_s
    answers = np.concatenate([np.empty((0, 2)), *(np.asarray(each).reshape(-1, 2) for each in load.answers)])
    halves = {"first_half": (start_s, middle_s), "second_half": (middle_s, end_s)}
    return {
        "minutes": options.minutes,
        "clients": options.clients,
        "requests_under_way_each": options.in_flight,
        "faces_per_request": options.faces,
        "attack_in_second_half": options.attack,
        "cores": usable_cores(),
        "cores_taken_by_others": round(usable_cores() - cost.offered_s / cost.wall_s, 2),
        "answers": len(answers),
        "errors": dict(load.errors),
        **{name: latencies(answers, *span) for name, span in halves.items()},
        "models": model_figures(before, asked.get_inference_statistics()),
        "clients_process": growth(_quiet(mine, options)),
        "server_processes": growth(_quiet(its, options)) if server.process else None,
    }


def _quiet(samples: Sequence[Usage], options: argparse.Namespace) -> Sequence[Usage]:
    """Leave out those of the attack, whose connections are open files of the server too."""
    return samples[: len(samples) // 2] if options.attack else samples


def _sample(server: Server, start_s: float, span_s: float, attacked: bool) -> tuple[list[Usage], list[Usage]]:
    """Look at the clients' process and the server's for the length of the load; attack in its second half."""
    mine, its = [], []
    attack: subprocess.Popen[bytes] | None = None
    try:
        while (now_s := time.monotonic()) < start_s + span_s:
            mine.append(usage([os.getpid()]))
            its.append(usage(process_tree(server.process.pid) if server.process else []))
            if attacked and attack is None and now_s >= start_s + span_s / 2:
                attack = subprocess.Popen([sys.executable, "-m", "benchmarks.attack", server.url])
            time.sleep(_SAMPLE_S)
    finally:
        if attack:
            attack.terminate()
            attack.wait()
    return mine, its


def _crops(contract: Contract, count: int) -> NDArray[np.uint8]:
    drawn = probe_crops(contract.crop_shape)
    return np.concatenate([drawn] * (count // len(drawn) + 1))[:count]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1 where there was an error, or more growth or slowing down than is allowed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--url", help="HOST:PORT of a server's gRPC; the embedded server by default")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--in-flight", type=int, default=2, help="requests of each client at once")
    parser.add_argument("--faces", type=int, default=16, help="in each request, at most the server's batch")
    parser.add_argument("--attack", action="store_true", help="attack the server in the second half")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write the figures there, too")
    options = parser.parse_args(arguments)
    try:
        with find_server(options.url, notify) as server:
            figures = run(server, options)
    except FerError as error:
        notify(f"soak: {error}")
        return error.exit_code
    text = json.dumps(figures, indent=2) + "\n"
    print(text, end="")  # noqa: T201
    if options.record:
        options.record.write_text(text)
    wrong = list(_too_much(figures))
    for sentence in wrong:
        notify(f"soak: {sentence}")
    return int(bool(wrong))


def _too_much(figures: dict[str, Any]) -> Iterator[str]:
    """Name what is beyond the limits that a run is held to."""
    if figures["errors"]:
        yield f"there were errors: {figures['errors']}."
    for part in ("clients_process", "server_processes"):
        for name in ("memory_mb", "files"):
            grown = (figures[part] or {}).get(f"{name}_growth", 0.0)
            if grown > MOST_GROWTH:
                yield f"{name} of {part} grew by {grown:.1%}, more than {MOST_GROWTH:.0%}."
    quiet, attacked = (figures[half].get("median_ms", 0.0) for half in ("first_half", "second_half"))
    if figures["attack_in_second_half"] and attacked > MOST_SLOWER * quiet:
        yield f"the median under attack was {attacked:.0f} ms, more than {MOST_SLOWER:g} times {quiet:.0f} ms."


if __name__ == "__main__":
    sys.exit(main())

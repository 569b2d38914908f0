"""Processor time of processes and of the machine, from Linux's /proc."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fer_client.settings import usable_cores

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Cost:
    """What a piece of work took, in seconds.

    `own_s`: processor time of this process and of the server's. `offered_s`: core-seconds that the machine
    offered while it lasted: all cores' time less what other processes and the hypervisor took. Where nothing
    else runs that is wall time x cores; waiting counts, the load of others does not.
    """

    wall_s: float = 0.0
    own_s: float = 0.0
    offered_s: float = 0.0


@contextmanager
def measured(server_pid: int) -> Iterator[Cost]:
    """Fill in the cost of the block at its end; `server_pid` and all below it belong to the work."""
    cost = Cost()
    start, own, taken = time.perf_counter(), _own_s(server_pid), _taken_s()
    yield cost
    cost.wall_s = time.perf_counter() - start
    cost.own_s = _own_s(server_pid) - own
    others_s = max(0.0, _taken_s() - taken - cost.own_s)
    cost.offered_s = usable_cores() * cost.wall_s - others_s


def _own_s(server_pid: int) -> float:
    return time.process_time() + sum(_process_s(pid) for pid in family(server_pid))


def _process_s(pid: int) -> float:
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS
    return 0.0


def family(pid: int) -> list[int]:
    """Return the process and everything below it."""
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            with suppress(OSError):
                found += map(int, children.read_text().split())
    return found


def _taken_s() -> float:
    """Time that the cores of this process gave to anybody, the hypervisor's own included."""
    allowed = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    total = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *ticks = line.split()
        if name in allowed:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, ticks[:8])
            total += user + nice + system + irq + softirq + steal
    return total / _TICKS

"""Time, processor time and memory of this process, of what it started, and of the machine, from Linux's /proc.

Other systems have no /proc: there processor time is that of this process alone, and the rest is not known.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fer_client.settings import usable_cores

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PROC = Path("/proc")


@dataclass
class Cost:
    """What a piece of work took.

    `own_s`: processor time, in seconds, of this process and of the server's. `offered_s`: core-seconds that the
    machine offered while it lasted: all cores' time less what other processes and the hypervisor took. Where nothing
    else runs that is wall time x cores; waiting counts, the load of others does not. `peak_mb` and `server_peak_mb`:
    most resident memory of this process and of the server's together since it began, None where that is not known.
    """

    wall_s: float = 0.0
    own_s: float = 0.0
    offered_s: float = 0.0
    peak_mb: float | None = None
    server_peak_mb: float | None = None

    @property
    def undisturbed_s(self) -> float:
        """Roughly the seconds that it would have taken with the cores to itself."""
        return self.offered_s / usable_cores()


@contextmanager
def measured(server_pid: int | None = None) -> Iterator[Cost]:
    """Fill in the cost of the block at its end.

    `server_pid` and all below it belong to the work; None for whatever this process has started, an embedded server.
    """
    cost, server = Cost(), _working(server_pid)
    _forget_peaks([os.getpid(), *server])
    start, own, taken = time.perf_counter(), _own_s(server), _taken_s()
    yield cost
    cost.wall_s = time.perf_counter() - start
    server = _working(server_pid)
    cost.own_s = _own_s(server) - own
    others_s = max(0.0, _taken_s() - taken - cost.own_s)
    cost.offered_s = usable_cores() * cost.wall_s - others_s
    cost.peak_mb = peak_mb(os.getpid())
    cost.server_peak_mb = sum(peak_mb(pid) or 0.0 for pid in server) or None


def peak_mb(pid: int) -> float | None:
    """Return the most memory that a process has held since its VmHWM was last reset, None where it is not known."""
    with suppress(OSError):
        for line in (_PROC / str(pid) / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return None


def seconds_since_start() -> float | None:
    """Return how long ago this process was started, None where that is not known."""
    with suppress(OSError):
        ticks = int(_stat(os.getpid())[19])
        return float((_PROC / "uptime").read_text().split()[0]) - ticks / _TICKS
    return None


def _forget_peaks(pids: list[int]) -> None:
    for pid in pids:
        with suppress(OSError):
            (_PROC / str(pid) / "clear_refs").write_text("5")


def _own_s(server: list[int]) -> float:
    """Processor time of this process, of the server, and of whatever else it has started and waited for."""
    ended = os.times()
    waited_s = ended.children_user + ended.children_system
    return time.process_time() + waited_s + sum(_process_s(pid) for pid in server)


def _process_s(pid: int) -> float:
    with suppress(OSError):
        fields = _stat(pid)
        return (int(fields[11]) + int(fields[12])) / _TICKS
    return 0.0


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third on; the second, a name, may hold anything."""
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _working(server_pid: int | None) -> list[int]:
    return process_tree(os.getpid())[1:] if server_pid is None else process_tree(server_pid)


def process_tree(pid: int) -> list[int]:
    """Return the process and everything below it."""
    found = [pid]
    for parent in found:
        for children in (_PROC / str(parent) / "task").glob("*/children"):
            with suppress(OSError):
                found += map(int, children.read_text().split())
    return found


def _taken_s() -> float:
    """Time that the cores of this process gave to anybody, the hypervisor's own included."""
    if not hasattr(os, "sched_getaffinity"):
        return time.process_time()
    allowed = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    total = 0
    for line in (_PROC / "stat").read_text().splitlines():
        name, *ticks = line.split()
        if name in allowed:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, ticks[:8])
            total += user + nice + system + irq + softirq + steal
    return total / _TICKS

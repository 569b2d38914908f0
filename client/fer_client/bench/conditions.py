"""What figures were measured on: without it they say little."""

import importlib.metadata
import os
import platform
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fer_client.bench.cost import measured
from fer_client.settings import usable_cores

_LOOK_S = 0.2

PACKAGES = ("fer-triton", "av", "grpcio", "numpy", "opencv-python-headless", "tritonclient")


def conditions() -> dict[str, Any]:
    """Return the time, the machine, how busy it is, and the versions of what computes."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.system(),
            "kernel": platform.release(),
            "processor": _processor(),
            "cores": usable_cores(),
            "memory_gb": _memory_gb(),
        },
        "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "cores_taken_by_others": _taken(),
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
    }


def _taken() -> float:
    """Cores that other programs take now; the load average still counts what ended a minute ago."""
    with measured() as cost:
        time.sleep(_LOOK_S)
    return round(max(0.0, usable_cores() - cost.offered_s / cost.wall_s), 2)


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gb() -> float | None:
    with suppress(OSError, ValueError, AttributeError):
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    return None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None

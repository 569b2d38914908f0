"""The client's peak memory: on a clip, on one ten times as long, and at 1080p; and how long its help takes."""

import importlib.metadata
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

_FULL_HD_WH = (1920, 1080)
_LONGER = 10
_POLL_S = 0.02


def memory(path: Path, url: str, detector_model: Path | None) -> dict[str, float]:
    """Peak resident memory in MB of `fer-client` as a process of its own, the server not counted."""
    with tempfile.TemporaryDirectory() as folder:
        long, large = Path(folder) / "long.mkv", Path(folder) / "large.mp4"
        repeat(path, long, _LONGER)
        enlarge(path, large, _FULL_HD_WH)
        short_mb, long_mb, large_mb = (peak_mb(video, url, detector_model) for video in (path, long, large))
    return {
        "short_mb": short_mb,
        "long_mb": long_mb,
        "long_over_short": long_mb / short_mb,
        "full_hd_mb": large_mb,
    }


def peak_mb(path: Path, url: str, detector_model: Path | None) -> float:
    """Run `fer-client` on a video and return its peak resident memory in MB.

    Read from /proc while it runs: what the system reports at a process's end counts the parent's memory too,
    of which a child is a copy at first.
    """
    model = ["--detector-model", str(detector_model)] if detector_model else []
    peak = 0
    with tempfile.TemporaryDirectory() as folder:
        process = _start(str(path), "--url", url, "--out", folder, "--json", *model)
        while process.poll() is None:
            peak = max(peak, _high_water_kb(process.pid))
            with suppress(subprocess.TimeoutExpired):
                process.wait(_POLL_S)
    if process.returncode:
        raise SystemExit(f"fer-client ended with code {process.returncode} on {path}.")
    return peak / 1024


def _high_water_kb(pid: int) -> int:
    """Peak resident memory of a process so far, 0 before it is a program of its own or after its end."""
    with suppress(OSError):
        if b"fer_client" in Path(f"/proc/{pid}/cmdline").read_bytes():
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1])
    return 0


def repeat(path: Path, out: Path, times: int) -> None:
    """Write the video stream `times` over, without coding it anew."""
    with av.open(str(out), "w") as target:
        stream: Any = None
        offset = 0
        for _ in range(times):
            with av.open(str(path)) as source:
                origin = source.streams.video[0]
                stream = stream or target.add_stream_from_template(origin)
                end = offset
                for packet in source.demux(origin):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    end = max(end, packet.pts + (packet.duration or 1))
                    packet.stream = stream
                    target.mux(packet)
                offset = end


def enlarge(path: Path, out: Path, size_wh: tuple[int, int], most_frames: int = 150) -> None:
    """Write the first frames of a video at another size, as H.264."""
    with av.open(str(path)) as source, av.open(str(out), "w") as target:
        origin = source.streams.video[0]
        rate = round(origin.average_rate or 25)
        stream = target.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        stream.width, stream.height = size_wh
        stream.pix_fmt = "yuv420p"
        for index, picture in enumerate(source.decode(origin)):
            if index == most_frames:
                break
            larger = picture.reformat(*size_wh, "yuv420p")
            larger.pts, larger.time_base = index, Fraction(1, rate)
            target.mux(stream.encode(larger))
        target.mux(stream.encode())


def help_cost(runs: int) -> dict[str, float]:
    """Least wall and processor time of `fer-client --help` in seconds."""
    walls, owns = [], []
    for _ in range(runs):
        start = time.perf_counter()
        process = _start("--help")
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        walls.append(time.perf_counter() - start)
        owns.append(usage.ru_utime + usage.ru_stime)
    return {"wall_s": min(walls), "own_s": min(owns)}


def _start(*arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "fer_client", *arguments], stdout=subprocess.DEVNULL)


def install_mb() -> float:
    """Size of the base installation in MB: the files of every distribution that `fer-triton` needs."""
    pending, seen, size = ["fer-triton"], set[str](), 0
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:  # of another platform or Python
            continue
        size += sum(file.size or _size(Path(str(file.locate()))) for file in found.files or ())
        pending += [_name(text) for text in found.requires or () if "extra ==" not in text]
    return size / 1e6


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _name(requirement: str) -> str:
    """`grpcio<2,>=1.6; python_version…` is grpcio; an extra of it, as in tritonclient[grpc], is ignored."""
    for end, character in enumerate(requirement):
        if not (character.isalnum() or character in "-_."):
            return requirement[:end]
    return requirement

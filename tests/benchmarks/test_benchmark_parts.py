"""What the benchmark counts and makes: agreement, processor time, longer and larger clips."""

import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import av
import pytest

from benchmarks.agreement import Agreement, compare
from benchmarks.efficiency import Floor
from benchmarks.machine import measured
from benchmarks.memory import enlarge, repeat
from support.videos import write_video


def row(frame: int, x: int | None, expression: str = "happy") -> dict[str, str]:
    place = dict.fromkeys("xywh", "") if x is None else {"x": str(x), "y": "0", "w": "40", "h": "40"}
    return {"frame": str(frame), **place, "expression": "" if x is None else expression}


def test_agreement_counts_what_was_found_again_and_what_is_new() -> None:
    reference = [row(0, 0), row(0, 100), row(1, 0), row(2, None), row(3, 0)]
    judged = [row(0, 104), row(0, 3), row(1, 30), row(2, 0), row(3, 0, "sad")]
    found = compare(reference, judged, detections=2)
    assert found == Agreement(faces=4, found=3, expressions=2, extra=2, frames=4, detections=2)
    assert (found + found).shares() == {
        "share_of_faces": 0.75,
        "share_of_expressions": 0.5,
        "share_of_extra_faces": 0.5,
        "share_of_frames_detected": 0.5,
    }


def test_the_floor_takes_the_least_of_each_part() -> None:
    floor = Floor()
    floor.lower(2.0, 0.01, 0.002)
    floor.lower(3.0, 0.005, 0.001)
    assert floor.total_s(detections=100, faces=1000) == pytest.approx(2 + 0.5 + 1)


WORKER = """
import time
while time.process_time() < 0.3: pass
print(flush=True)
input()
"""


def test_work_here_and_in_the_server_is_counted() -> None:
    def work() -> None:
        end = time.process_time() + 0.2
        while time.process_time() < end:
            pass

    with subprocess.Popen(
        [sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        with measured(server.pid) as there:
            server.stdout.readline()
        with measured(server.pid) as here:
            work()
        with measured(server.pid) as nowhere:
            pass
        server.communicate(b"\n")
    assert there.own_s >= 0.15
    assert here.own_s >= 0.15
    assert nowhere.own_s < 0.1


def test_a_longer_clip_plays_on_and_a_larger_one_is_larger(tmp_path: Path) -> None:
    short, long, large = (tmp_path / name for name in ("short.mp4", "long.mkv", "large.mp4"))
    times = write_video(short)
    repeat(short, long, 3)
    enlarge(short, large, (640, 480), most_frames=7)
    with av.open(str(long)) as container:
        pictures = list(container.decode(video=0))
    assert len(pictures) == 3 * len(times)
    assert all(a.time < b.time for a, b in pairwise(pictures))
    with av.open(str(large)) as container:
        assert [(one.width, one.height) for one in container.decode(video=0)] == [(640, 480)] * 7

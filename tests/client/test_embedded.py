"""The main job as a user runs it: `fer-client VIDEO`, with the real Triton that it starts by itself."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_client import Analyzer
from fer_client.contract import CROP_SIDE
from fer_client.inference.client import InferenceClient
from fer_client.inference.embedded import Server, embedded_server
from support.embedded_server import await_end, descendants, listening_ports
from support.fault_record import FaultRecord
from support.videos import default_frames, portrait, uneven_ticks, write_video

pytestmark = pytest.mark.triton

FACES_PER_FRAME = {
    "decord_video_0.mov": (0, 0),
    "decord_video_90.mov": (0, 0),
    "intel_asl_book.mkv": (1, 1),
    "intel_bottle.mp4": (0, 0),
    "lp_d0.mp4": (1, 1),
    "lp_d13.mp4": (1, 1),
    "lp_d19.mp4": (1, 1),
    "mmaction2_tests_data_test.avi": (1, 1),
    "pyfeat_WolfgangLanger_Pexels.mp4": (1, 1),
    "pyfeat_face_noface.mov": (0.3, 0.5),
    "pyfeat_no_face.mp4": (0, 0),
    "pyfeat_single_face.mp4": (1, 1),
    "short_hamilton_clip.mp4": (1.7, 3),
    "vrt_2.mp4": (1, 1),
    "vrt_5.mp4": (1, 1),
}
"""Least and most mean faces per frame, from the probe that came with the clips."""


@pytest.fixture(scope="module")
def embedded() -> Iterator[Server]:
    """An embedded server that the tests of this module share."""
    with embedded_server(lambda _message: None) as server:
        yield server


@pytest.fixture(scope="module")
def url(embedded: Server) -> str:
    return embedded.url


def fer_client(*arguments: object, cwd: Path) -> "subprocess.Popen[str]":
    """Start the command with an environment that marks it and everything that it starts."""
    return subprocess.Popen(
        [sys.executable, "-m", "fer_client", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"FER_TEST_FOLDER": str(cwd)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def marked_processes(cwd: Path) -> dict[int, str]:
    """Process ids and command lines of all that the command of `fer_client` in this folder has started."""
    mark = f"FER_TEST_FOLDER={cwd}\0".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # it ended while we looked
                if mark in (entry / "environ").read_bytes():
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def left_behind(cwd: Path, limit_s: float = 30.0) -> dict[int, str]:
    """What is still running of it after the time that an orderly end may take."""
    end = time.monotonic() + limit_s
    while (left := marked_processes(cwd)) and time.monotonic() < end:
        os.sched_yield()
    return left


def kill(cwd: Path, words: str) -> bool:
    """Kill one process that the command of `fer_client` in this folder has started; whether there was one."""
    for number, command in marked_processes(cwd).items():
        if words in command:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
                return True
    return False


def await_work(process: "subprocess.Popen[str]", out: Path) -> None:
    """Wait until results grow below `out`."""
    end = time.monotonic() + 120
    while not (out.is_dir() and any(out.iterdir())) and process.poll() is None and time.monotonic() < end:
        os.sched_yield()


def test_the_server_of_a_job_listens_at_one_port(embedded: Server) -> None:
    assert embedded.process
    ports = [listening_ports(pid) for pid in descendants(embedded.process.pid)]
    assert set().union(*ports) == {int(embedded.url.rpartition(":")[2])}


def test_alone_it_starts_the_server_and_leaves_nothing_behind(
    face_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # as of a user who needs one to install
    process = fer_client(face_video, "--detector", "lumaface", cwd=tmp_path)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert err.strip() == "Starting the embedded Triton server for this job."
    assert "30 of 30 frames" in out
    with (tmp_path / "out" / "face" / "faces.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["expression"] != "" for row in rows] == [True] * 10 + [False] * 10 + [True] * 10
    assert left_behind(tmp_path) == {}


def test_a_folder_of_a_video_and_a_photograph_is_done_once(
    face_video: Path, url: str, tmp_path: Path
) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "face.mp4").symlink_to(face_video)
    cv2.imwrite(str(tmp_path / "study" / "portrait.png"), portrait())
    printed = []
    for _ in range(2):
        process = fer_client("study", "--url", url, "--detector", "lumaface", "--json", cwd=tmp_path)
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
        printed.append(out)
    assert printed[0] == printed[1]  # the seconds per stage too: nothing was done again
    for result in json.loads(out)["results"]:
        assert result["overall"]["faces"] > 0
        assert len(result["models"]["network"]) == 64
        # Not sure of any, so that another temperature would show.
        assert all(max(row) < 0.95 for row in result["models"]["answers"])


def test_an_analyzer_starts_one_server_for_all_inputs(face_video: Path) -> None:
    told: list[str] = []
    before = set(descendants(os.getpid()))
    with Analyzer(detector="lumaface", fps=1, notify=told.append) as analyzer:
        for _ in range(2):
            assert analyzer.summary(face_video)["server"].startswith("Triton")
        started = set(descendants(os.getpid())) - before
    assert told.count("Starting the embedded Triton server for this job.") == 1
    assert started
    assert await_end(list(started), 30) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_in_the_middle_takes_the_server_along(tmp_path: Path, number: signal.Signals) -> None:
    write_video(tmp_path / "long.mp4", default_frames() * 40, uneven_ticks(1200))
    process = fer_client("long.mp4", "--detector", "lumaface", cwd=tmp_path)
    assert process.stdout is not None
    out = tmp_path / "out"
    await_work(process, out)
    started = " ".join(marked_processes(tmp_path).values())
    assert "fer_server" in started
    assert "tritonserver" in started
    assert "triton_python_backend_stub" in started
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert left_behind(tmp_path) == {}
    if number != signal.SIGKILL:
        assert process.returncode == 130
        assert list(out.iterdir()) == []


@pytest.mark.parametrize("words", ["bin/tritonserver", "triton_python_backend_stub"])
def test_a_server_that_dies_is_started_again_and_the_table_is_the_same(
    tmp_path: Path, url: str, words: str, faults: FaultRecord
) -> None:
    write_video(tmp_path / "long.mp4", default_frames() * 40, uneven_ticks(1200))
    whole = fer_client("long.mp4", "--detector", "lumaface", "--url", url, "--out", "whole", cwd=tmp_path)
    process = fer_client("long.mp4", "--detector", "lumaface", cwd=tmp_path)
    await_work(process, tmp_path / "out")
    assert kill(tmp_path, words)
    _, err = process.communicate(timeout=120)
    whole.communicate(timeout=120)
    assert whole.returncode == process.returncode == 0, err
    if "tritonserver" in words:  # without one stub, another instance may have done all that was left
        assert "has gone; starting it again" in err
    tables = [(tmp_path / out / "long" / "faces.csv").read_bytes() for out in ("whole", "out")]
    assert tables[0] == tables[1]
    assert left_behind(tmp_path) == {}
    faults.held(
        "server", "the embedded one of a run killed, or a process of it", "started again; the same table"
    )


def test_a_server_that_dies_again_and_again_says_why_and_the_result_is_not_half_written(
    tmp_path: Path,
) -> None:
    write_video(tmp_path / "long.mp4", default_frames() * 40, uneven_ticks(1200))
    process = fer_client("long.mp4", "--detector", "lumaface", cwd=tmp_path)
    out = tmp_path / "out"
    await_work(process, out)
    while process.poll() is None:
        kill(tmp_path, "bin/tritonserver")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 4
    # A process that it forks for a stub has its name too; without that one, it ends by another signal.
    assert "ended by itself (SIG" in err.splitlines()[-1]
    assert "--url" not in err.splitlines()[-1]
    assert list(out.iterdir()) == []
    assert left_behind(tmp_path) == {}


@pytest.mark.parametrize("name", FACES_PER_FRAME)
def test_every_real_clip(shared: Path, url: str, tmp_path: Path, name: str) -> None:
    clip = shared / "media" / "videos" / name
    detector = shared / "models" / "face_detection_yunet_2023mar.onnx"
    process = fer_client(clip, "--url", url, "--detector-model", detector, "--json", cwd=tmp_path)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    result = json.loads(out)["results"][0]
    with (tmp_path / "out" / clip.stem / "faces.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    faces = Counter(int(row["frame"]) for row in rows if row["expression"])
    assert {int(row["frame"]) for row in rows} == set(range(result["frames_decoded"]))
    least, most = FACES_PER_FRAME[name]
    assert least <= sum(faces.values()) / result["frames_decoded"] <= most
    for row in rows:
        if row["expression"]:
            probabilities = [float(value) for key, value in row.items() if key.startswith("p_")]
            assert sum(probabilities) == pytest.approx(1, abs=1e-4)
            assert float(row["confidence"]) == max(probabilities)


def test_doctor_tries_the_embedded_server(shared: Path, tmp_path: Path) -> None:
    detector = shared / "models" / "face_detection_yunet_2023mar.onnx"
    process = fer_client("doctor", "--detector-model", detector, cwd=tmp_path)
    out, _ = process.communicate(timeout=240)
    assert process.returncode == 0, out
    assert [line.split()[0] for line in out.splitlines()] == ["ok"] * 5


def test_batches_of_any_size_give_the_same_answers(url: str) -> None:
    rng = np.random.default_rng(0)
    face = portrait()[90:330, 150:390].mean(axis=2).astype(np.uint8)
    crops = np.stack(
        [
            np.roll(face[::2, ::2][12:108, 12:108], rng.integers(-8, 9, 2), axis=(0, 1)).reshape(
                CROP_SIDE, CROP_SIDE, 1
            )
            for _ in range(64)
        ]
    )
    with InferenceClient(url, 60) as client:
        contract = client.read_contract()
        whole = client.submit(crops, contract).result().expression
        sizes = [1, 2, 3, 5, 8, 13, 21, 11]
        starts = np.cumsum([0, *sizes])
        parts = [client.submit(crops[a:b], contract) for a, b in pairwise(starts)]
        apart = np.concatenate([part.result().expression for part in parts])
    np.testing.assert_array_equal(whole, apart)
    assert len(np.unique(whole.round(6), axis=0)) > 10

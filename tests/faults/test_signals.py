"""Signals at random moments: whatever folder stands is whole, and a second start completes the rest."""

import json
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from support.command import start
from support.disturbed import finish, tables
from support.embedded_server import EmbeddedServer
from support.fault_record import FaultRecord

pytestmark = pytest.mark.faults
TRIES = 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_at_any_moment(
    real: EmbeddedServer,
    clip: Path,
    whole: dict[str, bytes],
    tmp_path: Path,
    faults: FaultRecord,
    number: signal.Signals,
) -> None:
    names = ["a.mp4", "b.mp4"]
    for name in names:
        shutil.copy(clip, tmp_path / name)
    arguments = [*names, "--url", real.grpc, "--detector", "lumaface", "--batch-size", 2, "--in-flight", 2]
    rng = random.Random(number)
    began = time.monotonic()
    assert finish(start([*arguments, "--out", "timed"], tmp_path), 240).returncode == 0
    length_s = time.monotonic() - began
    for attempt in range(TRIES):
        out = tmp_path / f"out{attempt}"
        process = start([*arguments, "--out", out], tmp_path)
        time.sleep(rng.uniform(0.1, 1) * length_s)
        process.send_signal(number)
        finish(process, 60)
        for folder in out.glob("[!.]*/"):
            assert json.loads((folder / "summary.json").read_text())["frames_analysed"] == 60
            assert_same(tables(folder), whole)
        assert finish(start([*arguments, "--out", out], tmp_path), 240).returncode == 0
        assert sorted(path.name for path in out.iterdir()) == [
            "a",
            "b",
            "faces.csv",
            "study.csv",
        ]
        for folder in (out / "a", out / "b"):
            assert_same(tables(folder), whole)
    happened = "the folders that stand are whole; a second start completes the rest"
    lost = "the input under way, which is done again"
    faults.held("signal", f"{number.name} at a random moment", happened, lost, TRIES)


def assert_same(found: dict[str, bytes], whole: dict[str, bytes]) -> None:
    """Equal but for the name of the copied clip in the column `source`."""
    named = {
        name: table.replace(b"a.mp4", b"clip.mp4").replace(b"b.mp4", b"clip.mp4")
        for name, table in found.items()
    }
    assert named == whole

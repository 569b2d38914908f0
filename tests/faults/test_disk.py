"""Disks that take no more: one sentence, nothing half-written, and with space again all is done."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.disturbed import TABLES, analyse, finish, tables
from support.embedded_server import EmbeddedServer
from support.fault_record import FaultRecord

pytestmark = pytest.mark.faults
KIND = "disk"


@contextlib.contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """A file system of its own in memory; skips where this user may mount none."""
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this user may not mount a small disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.mark.parametrize(
    ("form", "size"), [("csv", "16k"), ("jsonl", "16k"), ("parquet", "8k"), ("xlsx", "8k")]
)
def test_a_full_disk(
    real: EmbeddedServer, clip: Path, tmp_path: Path, faults: FaultRecord, form: str, size: str
) -> None:
    with small_disk(tmp_path / "disk", size) as disk:
        done = finish(analyse(clip, real.grpc, tmp_path, "--out", disk / "out", "--format", form), 240)
        assert done.returncode == 2
        assert "No space left on device" in done.stderr.splitlines()[-1]
        assert list((disk / "out").iterdir()) == []
    lost = "the run, no half of it; the next one completes it"
    faults.held(KIND, "full while tables are written", "one sentence, exit code 2", lost)


def test_visuals_on_a_full_disk(
    real: EmbeddedServer, clip: Path, whole: dict[str, bytes], tmp_path: Path, faults: FaultRecord
) -> None:
    with small_disk(tmp_path / "disk", "56k") as disk:
        options = ("--out", disk / "out", "--annotate", "--report")
        done = finish(analyse(clip, real.grpc, tmp_path, *options), 240)
        assert done.returncode == 2
        assert "No space left on device" in done.stderr
        assert tables(disk / "out" / "clip") == whole
        left = {path.name for path in (disk / "out" / "clip").iterdir()}
        assert left <= {*TABLES, "summary.json", "visuals.json", "annotated.mp4", "report.html"}
        subprocess.run(["mount", "-o", "remount,size=40m", disk], check=True)
        assert finish(analyse(clip, real.grpc, tmp_path, *options), 240).returncode == 0
        assert (disk / "out" / "clip" / "annotated.mp4").stat().st_size > 1000
    faults.held(KIND, "full while visuals are made", "one sentence; a second start makes them")


def test_a_limit_on_the_size_of_files(
    real: EmbeddedServer, clip: Path, whole: dict[str, bytes], tmp_path: Path, faults: FaultRecord
) -> None:
    command = [sys.executable, "-m", "fer_client", clip, "--url", real.grpc, "--detector", "lumaface"]
    for kilobytes in (1, 8):
        process = subprocess.Popen(
            ["bash", "-c", f'ulimit -f {kilobytes}; exec "$@"', "bash", *map(str, command)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        done = finish(process, 240)
        assert done.returncode == 2
        assert "File too large" in done.stderr.splitlines()[-1]
        assert list((tmp_path / "out").iterdir()) == []
    assert finish(analyse(clip, real.grpc, tmp_path), 240).returncode == 0
    assert tables(tmp_path / "out" / "clip") == whole
    lost = "the run, no half of it; the next one completes it"
    faults.held(KIND, "files limited in size", "one sentence, exit code 2", lost, 2)


def test_a_full_temporary_folder(
    real: EmbeddedServer,
    clip: Path,
    whole: dict[str, bytes],
    tmp_path: Path,
    faults: FaultRecord,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with small_disk(tmp_path / "full", "4k") as full:
        (full / "filler").write_bytes(bytes(4096))
        monkeypatch.setenv("TMPDIR", str(full))
        assert finish(analyse(clip, real.grpc, tmp_path, "--report"), 240).returncode == 0
    assert tables(tmp_path / "out" / "clip") == whole
    faults.held(KIND, "temporary folder of the client full", "the run does not need it")

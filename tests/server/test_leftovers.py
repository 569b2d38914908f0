"""The next start clears what no living process owns, and nothing else."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from fer_server import leftovers
from support.embedded_server import await_end, embedded_server
from support.fault_record import FaultRecord
from support.onnx_models import write_double

SOON_S = 30


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of the test's own."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path / "tmp"


def killed_owner() -> Path:
    """The folder of a process that was killed while it owned one."""
    code = textwrap.dedent("""
        import os, signal
        from fer_server.leftovers import own_folder
        with own_folder() as folder:
            (folder / "file").touch()
            print(folder, flush=True)
            signal.pause()
    """)
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert owner.stdout
    folder = Path(owner.stdout.readline().strip())
    owner.kill()
    owner.communicate()
    return folder


def test_a_folder_goes_with_its_context() -> None:
    with leftovers.own_folder() as folder:
        (folder / "file").touch()
    assert not folder.exists()


def test_what_a_living_process_owns_stays() -> None:
    with leftovers.own_folder() as folder:
        leftovers.clear()
        assert folder.is_dir()


def test_one_that_another_start_sees_before_its_lock_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = leftovers.fcntl.flock

    def clear_and_lock(file: int, operation: int) -> None:
        monkeypatch.setattr(leftovers.fcntl, "flock", lock)
        leftovers.clear()
        lock(file, operation)

    monkeypatch.setattr(leftovers.fcntl, "flock", clear_and_lock)
    with leftovers.own_folder() as folder:
        assert folder.is_dir()
        leftovers.clear()
        assert folder.is_dir()


def test_what_a_killed_process_owned_goes_with_its_shared_memory_and_processes() -> None:
    folder = killed_owner()
    assert (folder / "file").is_file()
    region = Path("/dev/shm") / f"{leftovers.memory_prefix(folder)}region"
    region.touch()
    environ = os.environ | {leftovers.SITE_VARIABLE: f"/packages:{folder}/site"}
    command = [sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as orphan:
        assert orphan.stdout
        orphan.stdout.readline()
        orphan.send_signal(signal.SIGSTOP)
        leftovers.clear()
        assert orphan.wait(SOON_S) == -signal.SIGKILL
    assert not folder.exists()
    assert not region.exists()


def test_a_folder_without_an_owners_file_or_a_link_is_not_touched(temporary: Path) -> None:
    foreign = temporary / "fer-server-of-somebody"
    foreign.mkdir()
    (foreign / "file").touch()
    (temporary / "fer-server-link").symlink_to(killed_owner())
    leftovers.clear()
    assert (foreign / "file").is_file()
    assert (temporary / "fer-server-link").is_symlink()


@pytest.mark.triton
def test_a_server_that_was_paused_when_its_parent_was_killed_goes_at_the_next_start(
    tmp_path: Path, temporary: Path, faults: FaultRecord
) -> None:
    write_double(tmp_path / "models")
    before = set(Path("/dev/shm").iterdir()) | leftovers.environment_folders()
    with embedded_server(tmp_path / "models") as first:
        paused = [pid for pid in first.processes() if pid != first.command.pid]
        for pid in paused:
            os.kill(pid, signal.SIGSTOP)
        first.command.kill()
        first.command.wait()
    assert len(paused) >= 2
    assert list(temporary.iterdir())
    with embedded_server(tmp_path / "models"):
        assert await_end(paused, SOON_S) == []
    assert list(temporary.iterdir()) == []
    after = set(Path("/dev/shm").iterdir()) | leftovers.environment_folders()
    assert {
        path for path in after - before if str(first.command.pid) in path.name or "env" in path.name
    } == set()
    faults.held(
        "server", "`fer-server` killed while Triton was paused", "the next start clears processes and files"
    )

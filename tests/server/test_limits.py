"""Where the system refuses room, memory, files or processes, one sentence says so and nothing is left."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from fer_server.errors import refused
from support.embedded_server import MODULE
from support.fault_record import FaultRecord
from support.onnx_models import write_double

LIMITS = {
    "-f 100": "File too large",
    "-n 10": "Too many open files",
    "-v 50000": "ulimit -v grants it 48 MB of addresses",
    "-v 400000": "ulimit -v grants it 390 MB of addresses",
}


def test_a_refusal_names_the_place_and_what_helps() -> None:
    said = str(refused(OSError(28, "No space left on device", "/tmp/a")))
    assert said == (
        "The server cannot run: No space left on device (/tmp/a); "
        "free some room there, or name another folder in TMPDIR."
    )
    assert "too little memory" in str(refused(MemoryError()))


@pytest.mark.triton
@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_of_the_system_is_one_sentence(limit: str, tmp_path: Path, faults: FaultRecord) -> None:
    write_double(tmp_path / "models")
    (tmp_path / "tmp").mkdir()
    command = [*MODULE, "--auto-ports", f"--model-repository={tmp_path / 'models'}"]
    done = subprocess.run(
        ["bash", "-c", f'ulimit {limit}; TMPDIR={tmp_path / "tmp"} exec "$@"', "bash", *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 4
    assert LIMITS[limit] in done.stderr
    assert done.stderr.count("\n") == 1
    assert list((tmp_path / "tmp").iterdir()) == []
    faults.held("server", f"`ulimit {limit}`", "one sentence, exit code 4")


@pytest.mark.triton
@pytest.mark.parametrize("moment", ["fer-server-*", "fer-server-*/tritonserver.log", None])
def test_sigterm_while_it_starts_ends_it_quietly(
    moment: str | None, tmp_path: Path, faults: FaultRecord
) -> None:
    write_double(tmp_path / "models")
    (tmp_path / "tmp").mkdir()
    command = [*MODULE, "--auto-ports", f"--model-repository={tmp_path / 'models'}"]
    with subprocess.Popen(
        command,
        env=os.environ | {"TMPDIR": str(tmp_path / "tmp")},
        stderr=subprocess.PIPE,
        text=True,
    ) as starting:
        while not _catches_sigterm(starting.pid) or not (
            moment is None or any((tmp_path / "tmp").glob(moment))
        ):
            assert starting.poll() is None
        starting.send_signal(signal.SIGTERM)
        _, said = starting.communicate(timeout=60)
    assert starting.returncode == (130 if moment is None else 0)
    assert said in ("", "fer-server: stopped.\n")
    assert list((tmp_path / "tmp").iterdir()) == []
    faults.held(
        "server", "SIGTERM while it starts", "it ends with 0, before it begins with 130; nothing is left"
    )


def _catches_sigterm(pid: int) -> bool:
    """Whether the program has begun; what comes before is the interpreter's own start."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    caught = next(line.split()[1] for line in status if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)

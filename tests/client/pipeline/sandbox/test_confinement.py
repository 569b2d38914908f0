"""What a confined process may do, and what it may not."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fer_client.pipeline.sandbox.confinement import obstacle

pytestmark = pytest.mark.skipif(obstacle() is not None, reason=f"no sandbox here: {obstacle()}")

TRIED = """
import ctypes, json, mmap, os, resource, signal, socket, subprocess, sys, threading
from pathlib import Path
from fer_client.pipeline.sandbox.confinement import confine

folder, port = sys.argv[1], int(sys.argv[2])
mine, other, parent = folder + "/mine", folder + "/other", os.getppid()
libc = ctypes.CDLL(None, use_errno=True)

def call(number, *values):
    if libc.syscall(number, *values) < 0:
        raise OSError(ctypes.get_errno(), "")

def in_a_thread(function):
    def note():
        try:
            function()
        except OSError as error:
            raised.append(error)
    raised = []
    thread = threading.Thread(target=note)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]

tried = {
    "read its file": lambda: open(mine, "rb").read(),
    "start a thread": lambda: in_a_thread(lambda: None),
    "read another file": lambda: open(other, "rb"),
    "read another file in a thread": lambda: in_a_thread(lambda: open(other, "rb")),
    "read a file of the system": lambda: open("/etc/passwd", "rb"),
    "list a folder": lambda: os.listdir(folder),
    "write its file": lambda: open(mine, "r+b"),
    "empty its file": lambda: os.open(mine, os.O_RDONLY | os.O_TRUNC),
    "create a file": lambda: os.open(folder + "/new", os.O_RDONLY | os.O_CREAT),
    "create a file without a name": lambda: os.open(folder, os.O_RDWR | os.O_TMPFILE),
    "write a device": lambda: os.open("/dev/null", os.O_WRONLY),
    "delete": lambda: os.unlink(mine),
    "rename": lambda: os.rename(mine, folder + "/new"),
    "link": lambda: os.link(mine, folder + "/new"),
    "link by name": lambda: os.symlink(mine, folder + "/new"),
    "make a folder": lambda: os.mkdir(folder + "/new"),
    "change rights": lambda: os.chmod(mine, 0o777),
    "change dates": lambda: os.utime(mine),
    "connect": lambda: socket.create_connection(("127.0.0.1", port)),
    "make a datagram socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "make a local socket": lambda: socket.socket(socket.AF_UNIX),
    "fork": lambda: os.fork() or os._exit(0),
    "become a program": lambda: os.execv("/bin/true", ["true"]),
    "start a program": lambda: subprocess.run(["/bin/true"], check=True),
    "new name spaces": lambda: call(272, 0x10000000),
    "signal": lambda: os.kill(parent, 0),
    "trace": lambda: call(101, 16, parent, None, None),
    "read another's memory": lambda: call(310, parent, None, 0, None, 0, 0),
    "open another's memory": lambda: open(f"/proc/{parent}/mem", "rb"),
    "outlive the client": lambda: call(157, 1, 0, 0, 0, 0),
    "raise a limit": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1)),
    "take more memory": lambda: mmap.mmap(-1, 9 << 30),
    "queue work in the kernel": lambda: call(425, 1, bytes(200)),
}
confine([Path(mine), Path(folder), Path(folder + "/nothing")], 8 << 30)
outcomes = {}
for name, action in tried.items():
    try:
        action()
        outcomes[name] = "done"
    except (OSError, ValueError) as error:
        outcomes[name] = str(error)
print(json.dumps(outcomes))
"""


def test_what_a_confined_process_can_do(tmp_path: Path) -> None:
    for name in ("mine", "other"):
        (tmp_path / name).write_bytes(b"data")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        done = subprocess.run(
            [sys.executable, "-c", TRIED, tmp_path, str(listening.getsockname()[1])],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    outcomes = json.loads(done.stdout)
    assert [name for name, outcome in outcomes.items() if outcome == "done"] == [
        "read its file",
        "start a thread",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "other"]
    assert (tmp_path / "mine").read_bytes() == b"data"


def test_a_process_with_threads_is_not_taken_for_confined() -> None:
    code = (
        "import threading\nfrom fer_client.pipeline.sandbox.confinement import confine\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\nconfine([], 1 << 40)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert "expected a process with one thread" in done.stderr

"""This program's folders among the temporary ones, and what a killed run has left: folder, processes, shared memory.

The owner of a folder holds a lock on a file in it, which the kernel frees when the owner ends in whatever way.
"""

import contextlib
import fcntl
import os
import select
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SITE_VARIABLE = "FER_SERVER_SITE"
"""Names the folder in the environment of each process of a server."""

_PREFIX = "fer-server-"
_LOCK = "owner"
_ENVIRONMENTS = "environments"
_TEMPORARY = Path("/tmp")  # Triton knows no other
_SHARED_MEMORY = Path("/dev/shm")
_END_S = 5.0


@contextmanager
def own_folder(parent: Path | None = None) -> Iterator[Path]:
    """Make a temporary folder, below `parent` where that is given, and remove it at the end.

    The lock is there before its file has the name by which `clear` tells a folder whose owner has gone.
    """
    with (
        tempfile.TemporaryDirectory(
            prefix=f"{_PREFIX}{os.getpid()}-", dir=parent, ignore_cleanup_errors=True
        ) as folder,
        (unlocked := Path(folder, "unlocked")).open("w") as lock,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        unlocked.rename(Path(folder, _LOCK))
        yield Path(folder)


def memory_prefix(folder: Path) -> str:
    """Give what the names of the shared memory begin with that belongs to a server with this folder."""
    return f"{folder.name}-"


def close_shared_memory(folder: Path) -> None:
    """Keep other users of the machine from reading a server's shared memory, through which faces pass.

    Triton makes it readable for all, whatever the umask.
    """
    for region in _SHARED_MEMORY.glob(f"{memory_prefix(folder)}*"):
        with contextlib.suppress(FileNotFoundError):
            region.chmod(0o600)


def remove_shared_memory(folder: Path) -> None:
    """Remove the shared memory of a server that had no time to do so itself."""
    for region in _SHARED_MEMORY.glob(f"{memory_prefix(folder)}*"):
        region.unlink(missing_ok=True)


def environment_folders() -> set[Path]:
    """List the folders that Python backends of any server have made for environments that models may bring."""
    return set(_TEMPORARY.glob("python_env_*"))


def note_environment_folders(folder: Path, found: set[Path]) -> None:
    """Write down which of them belong to the server with this folder."""
    (folder / _ENVIRONMENTS).write_text("".join(f"{path}\n" for path in found))


def remove_environment_folders(found: set[Path]) -> None:
    """Remove those of a server that had no time to do so itself. Only an empty one goes: nobody uses it."""
    for folder in found:
        with contextlib.suppress(OSError):
            folder.rmdir()


def clear() -> None:
    """Remove what runs of this user have left that were killed, wherever temporary folders lie by now."""
    for parent in {Path(tempfile.gettempdir()), _TEMPORARY}:
        for folder in parent.glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError):
                _clear(folder)


def _clear(folder: Path) -> None:
    """Remove one folder and what belongs to it, unless its owner lives; raises OSError where that cannot be told."""
    if folder.lstat().st_uid != os.getuid() or folder.is_symlink():
        return
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _end_processes(f"{folder}/site".encode())
        remove_shared_memory(folder)
        with contextlib.suppress(OSError):
            lines = (folder / _ENVIRONMENTS).read_text().splitlines()
            remove_environment_folders(environment_folders() & set(map(Path, lines)))
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)


def _end_processes(site: bytes) -> None:
    """Kill the processes that were started with this folder; also one that was stopped and cannot end by itself."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "environ").read_bytes().split(b"\0")
            if any(word.startswith(f"{SITE_VARIABLE}=".encode()) and word.endswith(site) for word in words):
                _kill(int(entry.name))


def _kill(pid: int) -> None:
    descriptor = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        select.select([descriptor], [], [], _END_S)
    finally:
        os.close(descriptor)

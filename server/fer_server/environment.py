"""The server's own packages: Triton's binary, ONNX Runtime and NumPy, in a folder of the user's cache.

They are kept apart from the caller's environment, whose versions they would otherwise dictate. The folder is made once
for each requirement file and Python version, from pinned and hashed wheels, and appears only when it is whole.
"""

import fcntl
import hashlib
import importlib.util
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from fer_server.errors import ServerError

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
TRITONSERVER = Path("pytriton", "tritonserver", "bin", "tritonserver")
FOLDER_VARIABLE = "FER_SERVER_PACKAGES"

_OLDEST_GLIBC = (2, 35)
_MEGABYTES = 300

_CAUSES = (
    (
        ("No space left", "os error 28", "Disk quota"),
        f"no space is left; free about {2 * _MEGABYTES} MB there",
    ),
    (
        ("Permission denied", "Read-only file system"),
        "the folder cannot be written; set XDG_CACHE_HOME to one that can",
    ),
    (
        ("HASHES", "Hash mismatch"),
        "a download differs from the pinned hash; check the package index or proxy in use",
    ),
    (
        (
            "name resolution",
            "Max retries",
            "unreachable",
            "ConnectionError",
            "timed out",
            "dns error",
            "error sending",
        ),
        f"the package index cannot be reached; check the network or proxy, or set {FOLDER_VARIABLE}",
    ),
    (
        ("No matching distribution", "No solution found"),
        "the package index in use has no fitting wheel; check its address, and the network",
    ),
)
"""What installers print, and what it means to the user; the first that fits wins."""


def packages(environ: Mapping[str, str], say: Callable[[str], None]) -> Path:
    """Give the folder with the server's packages; make it first where it is missing.

    FER_SERVER_PACKAGES names a folder to use as it is. `say` receives one sentence before the long work starts.
    Raises ServerError that says what to do.
    """
    check_platform()
    given = environ.get(FOLDER_VARIABLE)
    if given:
        return _given(Path(given))
    folder = cache_folder(environ) / f"server-{key(REQUIREMENTS.read_bytes(), sys.version_info)}"
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _lock(folder.with_suffix(".lock")):
            if not folder.is_dir():
                say(
                    f"getting Triton Inference Server and ONNX Runtime (once, about {_MEGABYTES} MB) into {folder}"
                )
                _make(folder, environ)
    except OSError as error:
        advice = "set XDG_CACHE_HOME to a folder that can be written and has room"
        raise ServerError(f"Cannot make {folder}: {error.strerror}; {advice}.") from None
    return folder


def check_platform() -> None:
    """Raise ServerError where the wheel's binary cannot run: anything but Linux x86-64 with glibc 2.35 or newer."""
    docker = "use NVIDIA's Triton container with this model repository instead"
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise ServerError(
            f"fer-server runs on Linux x86-64 only, this is {platform.system()} {platform.machine()}; {docker}."
        )
    name, version = platform.libc_ver()
    if name != "glibc" or tuple(map(int, version.split(".")[:2])) < _OLDEST_GLIBC:
        raise ServerError(
            f"fer-server needs glibc 2.35 or newer, this system has {name or 'no glibc'} {version}; {docker}."
        )


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Give the project's folder in the user's cache, following the XDG base directory rules."""
    base = Path(environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "fer-triton"


def key(requirements: bytes, version: Sequence[object]) -> str:
    """Name one set of packages: changes with the requirement file and with Python's minor version."""
    return f"{hashlib.sha256(requirements).hexdigest()[:12]}-cp{version[0]}{version[1]}"


def _given(folder: Path) -> Path:
    if not (folder / TRITONSERVER).is_file():
        raise ServerError(
            f"{FOLDER_VARIABLE} names {folder}, which has no {TRITONSERVER}; "
            f"unset it, or fill the folder with: pip install --no-deps --target {folder} -r {REQUIREMENTS}"
        )
    return folder.resolve()


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold an advisory lock, so that two first starts do not install at once; the kernel frees it with the process."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make(folder: Path, environ: Mapping[str, str]) -> None:
    """Install beside the final place, then rename. Leftovers of a killed installation are removed first."""
    for leftover in folder.parent.glob(f"{folder.name}.new-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    with TemporaryDirectory(
        prefix=f"{folder.name}.new-", dir=folder.parent, ignore_cleanup_errors=True
    ) as scratch:
        target = Path(scratch, "packages")
        command = [
            *installer(environ, Path(scratch)),
            "--target",
            str(target),
            "--no-deps",
            "--require-hashes",
            "-r",
            str(REQUIREMENTS),
        ]
        done = subprocess.run(
            command,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode or not (target / TRITONSERVER).is_file():
            raise ServerError(f"Cannot install the server's packages into {folder}: {_cause(done.stdout)}.")
        target.rename(folder)


def installer(environ: Mapping[str, str], scratch: Path) -> list[str]:
    """Give the start of an install command for this Python: its own pip, else uv, else a pip made in `scratch`."""
    uv = shutil.which("uv", path=environ.get("PATH")) or shutil.which(
        "uv", path=str(Path(sys.executable).parent)
    )
    if uv and not importlib.util.find_spec("pip"):
        return [uv, "pip", "install", "--quiet", "--python", sys.executable, "--only-binary=:all:"]
    python = sys.executable if importlib.util.find_spec("pip") else _python_with_pip(scratch / "pip", environ)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    return [*pip, "--no-compile", "--only-binary=:all:"]


def _python_with_pip(folder: Path, environ: Mapping[str, str]) -> str:
    """Make a virtual environment, which gets the pip that Python carries; the caller's own stays without one."""
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(folder)],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    if made.returncode:
        raise ServerError(
            f"fer-server must install its packages once, but this Python ({sys.executable}) has no pip and cannot make "
            "one, and there is no uv; install uv or pip (Debian, Ubuntu: apt install python3-venv)."
        )
    return str(folder / "bin" / "python")


def _cause(output: str) -> str:
    """Say in plain words why an installation failed; its last line where the reason is not known."""
    for signs, meaning in _CAUSES:
        if any(sign in output for sign in signs):
            return meaning
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "the installer gave no reason"

"""Folders of packages that only a benchmark needs, apart from everything else: peers, and NVIDIA's perf_analyzer.

Each is made once, from the pinned and hashed files in `benchmarks/environments/`, in the folder of the user's cache
that has the embedded server's packages too, and appears only when it is whole.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from fer_client.cli.console import notify
from fer_client.errors import UsageError
from fer_server.environment import cache_folder, installer, key

_FILES = Path(__file__).with_name("environments")


def environment(*names: str) -> Path:
    """Give the folder with the packages of these files together; make it first where it is missing.

    Raises UsageError with the installer's last line where that fails.
    """
    files = [_FILES / f"{name}.txt" for name in names]
    pinned = b"".join(file.read_bytes() for file in files)
    folder = cache_folder(os.environ) / f"{names[-1]}-{key(pinned, sys.version_info)}"
    if not folder.is_dir():
        notify(f"Getting the packages of {names[-1]} (once) into {folder}")
        folder.parent.mkdir(parents=True, exist_ok=True)
        _make(folder, files)
    return folder


def _make(folder: Path, files: Sequence[Path]) -> None:
    """Install beside the final place, then rename."""
    with TemporaryDirectory(prefix=f"{folder.name}.new-", dir=folder.parent) as scratch:
        target = Path(scratch, "packages")
        requirements = [word for file in files for word in ("-r", str(file))]
        command = [
            *installer(os.environ, Path(scratch)),
            "--target",
            str(target),
            "--no-deps",
            "--require-hashes",
        ]
        done = subprocess.run(
            [*command, *requirements], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode:
            reason = (done.stdout.strip().splitlines() or ["it gave no reason"])[-1]
            raise UsageError(f"Cannot install {', '.join(file.name for file in files)}: {reason}")
        target.rename(folder)


def run_python(packages: Path, script: Path, *arguments: str) -> str:
    """Run a script with these packages alone, not those of this environment; return what it printed.

    Raises UsageError with the last line of its standard error where it fails.
    """
    python = sys._base_executable or sys.executable  # type: ignore[attr-defined]
    done = subprocess.run(
        [python, "-P", str(script), *arguments],
        env=os.environ | {"PYTHONPATH": str(packages), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"])[-1]
        raise UsageError(f"{script.name} with the packages in {packages}: {reason}")
    return done.stdout

"""What a `tritonserver` from the wheel needs around it: a backend directory and an environment.

Triton finds a backend by its folder's name. A folder that holds a `model.py` is a Python-based backend, run by the
Python backend in stub processes; so `onnxruntime/model.py` answers for `backend: "onnxruntime"`.
"""

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fer_server.environment import TRITONSERVER
from fer_server.errors import ServerError
from fer_server.leftovers import SITE_VARIABLE, own_folder

_PACKAGE = Path(__file__).parent
_STUB = "triton_python_backend_stub"
_BUNDLED = "nvidia_pytriton.libs"


@dataclass(frozen=True)
class Runtime:
    """A prepared place to start the server from; it lives as long as its context."""

    binary: Path
    backends: Path
    environ: Mapping[str, str]
    scratch: Path


@contextmanager
def prepare(packages: Path, environ: Mapping[str, str]) -> Iterator[Runtime]:
    """Build the backend directory in a temporary folder, which is removed at the end.

    Raises ServerError where this Python has no stub in the wheel or no shared library.
    """
    libpython = find_libpython(library_folders())
    with own_folder() as scratch:
        build_backends(packages, scratch / "backends", sys.version_info[:2])
        link_libpython(packages, scratch / "lib", libpython)
        # The stub looks for Python's standard library from the `python3` that is first on PATH.
        _link(scratch / "bin" / "python3", Path(sys._base_executable or sys.executable))  # type: ignore[attr-defined]
        _link(scratch / "site" / "fer_server", _PACKAGE)
        yield Runtime(
            binary=packages / TRITONSERVER,
            backends=scratch / "backends",
            environ=server_environ(packages, scratch, environ),
            scratch=scratch,
        )


def build_backends(packages: Path, target: Path, version: tuple[int, int]) -> None:
    """Fill `target` with `python/`, the wheel's backend with the stub for this Python, and with `onnxruntime/`."""
    triton = packages / "pytriton" / "tritonserver"
    stubs = {folder.name: folder / _STUB for folder in (triton / "python_backend_stubs").glob("*")}
    name = f"{version[0]}.{version[1]}"
    if name not in stubs:
        have = ", ".join(sorted(stubs, key=lambda text: [int(part) for part in text.split(".")])) or "none"
        raise ServerError(
            f"Triton's Python backend has no stub for Python {name}, only for {have}; use one of these."
        )
    # Copies, because Triton refuses a backend file that links to outside of the backend directory, and the stub for
    # Python 3.13, run from its own place, would take the wheel's libpython, which finds no standard library.
    copies = {
        triton / "backends" / "python" / "libtriton_python.so": target / "python",
        triton / "backends" / "python" / "triton_python_backend_utils.py": target / "python",
        stubs[name]: target / "python",
        _PACKAGE / "backends" / "onnxruntime" / "model.py": target / "onnxruntime",
    }
    for source, folder in copies.items():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, folder)


def library_folders() -> list[Path]:
    """Folders where the running Python's shared library may lie, likeliest first."""
    base = Path(sys.base_prefix, "lib")
    configured = [Path(text) for text in (sysconfig.get_config_var("LIBDIR"),) if text]
    multiarch = sysconfig.get_config_var("MULTIARCH") or "x86_64-linux-gnu"
    return [folder for parent in (*configured, base) for folder in (parent, parent / multiarch)]


def find_libpython(folders: Iterable[Path]) -> Path:
    """Find the running Python's shared library; raise ServerError that says how to get one."""
    name = _libpython()
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    raise ServerError(
        f"Triton's Python backend needs the shared library {name}, which this Python ({sys.executable}) lacks; "
        f"install it (Debian, Ubuntu: apt install libpython{version}) or use uv's Python: uv venv --python {version}"
    )


def link_libpython(packages: Path, target: Path, libpython: Path) -> None:
    """Link the running Python's library under each name that the wheel's stubs ask for.

    The stub for Python 3.13 asks for the copy that the wheel bundles, under a name of its own.
    """
    suffix = f".{sys.version_info[1]}.so.1.0"
    bundled = [path.name for path in (packages / _BUNDLED).glob("libpython3-*") if path.name.endswith(suffix)]
    for name in (_libpython(), *bundled):
        _link(target / name, libpython)


def server_environ(packages: Path, scratch: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Add to the caller's environment what the server and its stubs look for; see `backends/onnxruntime/model.py`."""
    return {
        # ONNX Runtime's own builds report to their maker, and leave an id in the user's cache, unless told not to.
        "ORT_DISABLE_TELEMETRY": "1",
        # NumPy's library starts threads for large matrices, of which there are none here, and each spins at first.
        "OPENBLAS_NUM_THREADS": "1",
        **environ,
        "LD_LIBRARY_PATH": _paths(scratch / "lib", packages / _BUNDLED, environ.get("LD_LIBRARY_PATH")),
        "PATH": _paths(scratch / "bin", environ.get("PATH")),
        SITE_VARIABLE: _paths(packages, scratch / "site"),
    }


def _libpython() -> str:
    return f"libpython{sys.version_info[0]}.{sys.version_info[1]}.so.1.0"


def _paths(*paths: Path | str | None) -> str:
    return os.pathsep.join(str(path) for path in paths if path)


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)

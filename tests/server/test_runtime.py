import os
import sys
from pathlib import Path

import pytest

from fer_server import runtime
from fer_server.environment import TRITONSERVER
from fer_server.errors import ServerError

VERSION = sys.version_info[:2]


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """The parts of the server's packages that count here, with text for contents."""
    packages = tmp_path / "packages"
    triton = packages / "pytriton" / "tritonserver"
    stub = Path("triton_python_backend_stub")
    names = [
        packages / TRITONSERVER,
        triton / "backends/python/libtriton_python.so",
        triton / "backends/python/triton_python_backend_utils.py",
        triton / "python_backend_stubs/3.8" / stub,
        triton / f"python_backend_stubs/3.{VERSION[1]}" / stub,
        packages / f"nvidia_pytriton.libs/libpython3-0123abcd.{VERSION[1]}.so.1.0",
        packages / "nvidia_pytriton.libs/libpython3-4567cdef.8.so.1.0",
    ]
    for path in names:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(path.relative_to(packages)))
    return packages


def test_the_backend_directory_holds_this_pythons_stub_and_no_links(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "backends"
    runtime.build_backends(wheel, target, VERSION)
    files = sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
    assert files == [
        "onnxruntime/model.py",
        "python/libtriton_python.so",
        "python/triton_python_backend_stub",
        "python/triton_python_backend_utils.py",
    ]
    assert f"3.{VERSION[1]}/" in (target / "python/triton_python_backend_stub").read_text()
    assert not any(path.is_symlink() for path in target.rglob("*"))


def test_a_python_without_a_stub_is_told_which_have_one(wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ServerError, match=rf"no stub for Python 3.99, only for 3.8, 3.{VERSION[1]}; use one of these"
    ):
        runtime.build_backends(wheel, tmp_path / "backends", (3, 99))


def test_libpython_stands_under_its_own_name_and_the_wheels(wheel: Path, tmp_path: Path) -> None:
    library = tmp_path / f"libpython3.{VERSION[1]}.so.1.0"
    library.touch()
    runtime.link_libpython(wheel, tmp_path / "lib", library)
    links = {path.name: path.resolve() for path in (tmp_path / "lib").iterdir()}
    assert links == {library.name: library, f"libpython3-0123abcd.{VERSION[1]}.so.1.0": library}


def test_libpython_is_found_in_the_first_folder_that_has_it(tmp_path: Path) -> None:
    name = f"libpython3.{VERSION[1]}.so.1.0"
    for folder in ("b", "c"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).touch()
    assert runtime.find_libpython([tmp_path / "a", tmp_path / "b", tmp_path / "c"]) == tmp_path / "b" / name


def test_a_python_without_a_shared_library_is_told_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=rf"apt install libpython3.{VERSION[1]}\) or use uv's Python"):
        runtime.find_libpython([tmp_path])


def test_the_environment_keeps_the_callers_and_leads_to_the_servers_own(tmp_path: Path) -> None:
    given = {"HOME": "/home/me", "PATH": "/usr/bin", "LD_LIBRARY_PATH": "/opt/lib"}
    made = runtime.server_environ(tmp_path / "packages", tmp_path / "scratch", given)
    assert made["HOME"] == "/home/me"
    assert made["PATH"].split(os.pathsep) == [str(tmp_path / "scratch/bin"), "/usr/bin"]
    assert made["LD_LIBRARY_PATH"].split(os.pathsep) == [
        str(tmp_path / "scratch/lib"),
        str(tmp_path / "packages/nvidia_pytriton.libs"),
        "/opt/lib",
    ]
    assert made["FER_SERVER_SITE"].split(os.pathsep) == [
        str(tmp_path / "packages"),
        str(tmp_path / "scratch/site"),
    ]


def test_the_scratch_folder_goes_with_the_context(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / f"libpython3.{VERSION[1]}.so.1.0"
    library.touch()
    monkeypatch.setattr(runtime, "library_folders", lambda: [tmp_path])
    with runtime.prepare(wheel, {}) as prepared:
        assert prepared.binary == wheel / TRITONSERVER
        assert (prepared.scratch / "site/fer_server/runtime.py").is_file()
        assert (prepared.scratch / "bin/python3").resolve() == Path(sys.executable).resolve()
    assert not prepared.scratch.exists()
    assert (wheel / TRITONSERVER).is_file()

import platform
import stat
import subprocess
import sys
import threading
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from fer_server import environment
from fer_server.environment import FOLDER_VARIABLE, REQUIREMENTS, TRITONSERVER
from fer_server.errors import ServerError

GOOD = """
    server = pathlib.Path(sys.argv[sys.argv.index("--target") + 1], "pytriton", "tritonserver", "bin", "tritonserver")
    server.parent.mkdir(parents=True)
    server.touch()
"""
Install = Callable[[str], dict[str, str]]


@pytest.fixture(autouse=True)
def _fitting_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.39"))
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(sys, "platform", "linux")


@pytest.fixture
def with_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a `pip` of a few lines in front of the real one; it writes each call's arguments to `calls`."""

    def install(body: str) -> dict[str, str]:
        package = tmp_path / "fake" / "pip"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").touch()
        record = f"open({str(tmp_path / 'calls')!r}, 'a').write(' '.join(sys.argv) + '\\n')"
        text = "\n".join(line.strip() for line in body.strip().splitlines())
        (package / "__main__.py").write_text(f"import pathlib, sys\n{record}\n{text}\n")
        monkeypatch.syspath_prepend(tmp_path / "fake")
        return {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONPATH": str(tmp_path / "fake")}

    return install


def calls(tmp_path: Path) -> list[str]:
    return (tmp_path / "calls").read_text().splitlines()


def test_the_first_start_installs_pinned_wheels_and_the_second_finds_them(
    with_pip: Install, tmp_path: Path
) -> None:
    environ, said = with_pip(GOOD), []
    first = environment.packages(environ, said.append)
    assert (first / TRITONSERVER).is_file()
    assert environment.packages(environ, said.append) == first
    (call,) = calls(tmp_path)
    assert "--require-hashes" in call
    assert "--no-deps" in call
    assert str(REQUIREMENTS) in call
    assert said == [f"getting Triton Inference Server and ONNX Runtime (once, about 300 MB) into {first}"]


def test_starts_at_the_same_moment_install_once(with_pip: Install, tmp_path: Path) -> None:
    environ = with_pip(GOOD)
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(environment.packages(environ, lambda _: None)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found) == 4
    assert len(calls(tmp_path)) == 1


def test_what_a_killed_installation_left_is_removed(with_pip: Install) -> None:
    environ = with_pip(GOOD)
    name = environment.key(REQUIREMENTS.read_bytes(), sys.version_info)
    leftover = environment.cache_folder(environ) / f"server-{name}.new-abc"
    leftover.mkdir(parents=True)
    environment.packages(environ, lambda _: None)
    assert not leftover.exists()


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", "no space is left; free about 600 MB there"),
        ("Temporary failure in name resolution", "the package index cannot be reached; check the network"),
        ("ERROR: No matching distribution found for numpy==2.4.6", "has no fitting wheel"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "differs from the pinned hash"),
        ("ERROR: something new.", "something new."),
    ],
)
def test_a_failed_installation_says_why_and_leaves_nothing(
    with_pip: Install, printed: str, sentence: str
) -> None:
    environ = with_pip(f"sys.exit({printed!r})")
    with pytest.raises(ServerError) as caught:
        environment.packages(environ, lambda _: None)
    assert sentence in str(caught.value)
    assert caught.value.exit_code == 4
    assert [path.suffix for path in environment.cache_folder(environ).iterdir()] == [".lock"]


def test_an_installer_that_brings_no_server_is_not_believed(with_pip: Install) -> None:
    environ = with_pip("print('all is well')")
    with pytest.raises(ServerError, match=r"Cannot install the server's packages into .*: all is well"):
        environment.packages(environ, lambda _: None)


def test_a_cache_that_cannot_be_made_is_named(with_pip: Install, tmp_path: Path) -> None:
    environ = with_pip(GOOD)
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(ServerError, match=r"Cannot make .*cache.*Not a directory"):
        environment.packages(environ, lambda _: None)


@pytest.fixture
def without_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda _: None)


@pytest.mark.usefixtures("without_pip")
def test_uv_serves_where_there_is_no_pip(tmp_path: Path) -> None:
    uv = tmp_path / "uv"
    uv.touch()
    uv.chmod(uv.stat().st_mode | stat.S_IXUSR)
    command = environment.installer({"PATH": str(tmp_path)}, tmp_path / "scratch")
    assert command[:3] == [str(uv), "pip", "install"]
    assert not (tmp_path / "scratch").exists()


@pytest.mark.triton  # as slow as what needs it
@pytest.mark.usefixtures("without_pip")
def test_python_makes_a_pip_for_the_moment_where_there_is_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "bare"
    venv.create(bare, with_pip=False)  # as uv and pipx make them
    monkeypatch.setattr(sys, "executable", str(bare / "bin" / "python"))
    command = environment.installer({"PATH": "/nowhere"}, tmp_path)
    asked = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
    assert "pip install" in asked.stdout
    assert Path(command[0]).is_relative_to(tmp_path)
    assert not (bare / "bin" / "pip").exists()


@pytest.mark.usefixtures("without_pip")
def test_a_python_that_can_make_no_pip_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ServerError, match=r"/bin/false.* has no pip.*no uv.*; install uv or pip"):
        environment.installer({"PATH": "/nowhere"}, tmp_path)


def test_a_folder_of_the_users_is_taken_as_it_is_or_refused(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=f"{FOLDER_VARIABLE} names .* which has no pytriton"):
        environment.packages({FOLDER_VARIABLE: str(tmp_path)}, lambda _: None)
    (tmp_path / TRITONSERVER).parent.mkdir(parents=True)
    (tmp_path / TRITONSERVER).touch()
    assert environment.packages({FOLDER_VARIABLE: str(tmp_path)}, lambda _: None) == tmp_path


@pytest.mark.parametrize(
    ("system", "machine", "libc", "sentence"),
    [
        ("darwin", "arm64", ("", ""), "runs on Linux x86-64 only"),
        ("linux", "aarch64", ("glibc", "2.39"), "runs on Linux x86-64 only"),
        ("linux", "x86_64", ("glibc", "2.31"), "needs glibc 2.35 or newer, this system has glibc 2.31"),
        ("linux", "x86_64", ("", ""), "this system has no glibc"),
    ],
)
def test_a_machine_that_cannot_run_the_binary_is_told_so(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, libc: tuple[str, str], sentence: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "libc_ver", lambda: libc)
    with pytest.raises(ServerError, match=sentence):
        environment.check_platform()


def test_every_requirement_is_pinned_and_hashed_and_names_no_index() -> None:
    text = REQUIREMENTS.read_text()
    blocks = [block for block in text.replace("\\\n", "").splitlines() if block and not block.startswith("#")]
    assert sorted(block.split("==")[0] for block in blocks) == ["numpy", "nvidia-pytriton", "onnxruntime"]
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    assert "index" not in "".join(blocks)


def test_the_key_changes_with_the_requirements_and_with_python() -> None:
    keys = {environment.key(text, version) for text in (b"a", b"b") for version in ((3, 11, 2), (3, 12, 0))}
    assert len(keys) == 4
    assert environment.key(b"a", (3, 11, 2)) == environment.key(b"a", (3, 11, 9))


def test_the_package_needs_the_standard_library_alone() -> None:
    root = REQUIREMENTS.parents[1]
    code = (
        f"import sys; sys.path.append({str(root)!r}); import fer_server.cli; print(fer_server.cli.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.strip() == str(root / "fer_server" / "cli.py")

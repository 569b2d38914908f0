"""An installation without a checkout: the wheel, built from the source distribution, in an environment of its own."""

import json
import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "client/fer_client": "fer_client",
    "training/fer_training": "fer_training",
    "export/fer_export": "fer_export",
    "server/fer_server": "fer_server",
    "model_repository": "fer_server/model_repository",
}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as `python -m build` makes it: from the source distribution, not from the checkout."""
    uv = pytest.importorskip("uv", reason="needs uv, of the extra `dev`, to build")
    out = tmp_path_factory.mktemp("dist")
    command = [uv.find_uv_bin(), "build", "--quiet", "--offline", "--no-build-isolation", "--no-cache"]
    built = subprocess.run(
        [*command, "--python", sys.executable, "--out-dir", str(out), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    assert len(list(out.glob("*.tar.gz"))) == 1
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def commands(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment that holds the wheel, and reads what it depends on from this one.

    Folders that a path file names are searched, but their own path files, which lead to the checkout, are not read.
    """
    uv = pytest.importorskip("uv")
    home = tmp_path_factory.mktemp("installed") / "env"
    venv.create(home)
    python = home / "bin" / "python"
    install = [uv.find_uv_bin(), "pip", "install", "--quiet", "--offline", "--no-deps", "--no-cache"]
    subprocess.run([*install, "--python", str(python), str(wheel)], check=True)
    (site,) = home.glob("lib/python*/site-packages")
    packages = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (site / "dependencies.pth").write_text("\n".join(packages))
    return python.parent


def run(commands: Path, folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [commands / words[0], *words[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def files(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix()


def newest_release() -> str:
    match = re.search(r"^## (\d\S*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert match is not None
    return match[1]


def test_it_holds_every_file_of_the_packages_and_the_model_repository(wheel: Path) -> None:
    expected = {
        f"{target}/{name}"
        for source, target in PACKAGES.items()
        for name in files(ROOT / source)
        if not (target == "fer_server" and name.startswith("model_repository/"))
    }
    assert "fer_server/requirements.txt" in expected
    assert "fer_server/model_repository/fer/1/.gitkeep" in expected
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in names if not name.startswith("fer_triton-")} == expected


def test_the_newest_release_notes_give_the_version(commands: Path, tmp_path: Path) -> None:
    done = run(commands, tmp_path, "fer-client", "--version")
    assert done.stdout == f"fer-client {newest_release()}\n", done.stderr


@pytest.mark.parametrize("command", ["fer-client", "fer-server"])
def test_a_command_runs_from_any_folder_and_from_the_wheel_alone(
    commands: Path, tmp_path: Path, command: str
) -> None:
    done = run(commands, tmp_path, command, "--help")
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout.lower()
    where = "import fer_client, fer_server; print(fer_client.__file__, fer_server.__file__)"
    for path in run(commands, tmp_path, "python", "-c", where).stdout.split():
        assert Path(path).is_relative_to(commands.parent)


def test_a_model_repository_is_found_inside_the_installation(commands: Path, tmp_path: Path) -> None:
    where = "from fer_server.cli import default_repository as found; print(found())"
    folder = Path(run(commands, tmp_path, "python", "-c", where).stdout.strip())
    assert folder.is_relative_to(commands.parent)
    assert sorted(files(folder)) == sorted(files(ROOT / "model_repository"))


@pytest.mark.triton
def test_the_main_job_runs_from_another_folder(commands: Path, tmp_path: Path, face_video: Path) -> None:
    (tmp_path / "video.mp4").symlink_to(face_video)
    done = run(commands, tmp_path, "fer-client", "video.mp4", "--detector", "lumaface")
    assert done.returncode == 0, done.stderr
    assert "Starting the embedded Triton server" in done.stderr
    result = json.loads((tmp_path / "out" / "video" / "summary.json").read_text())
    assert result["models"]["client"] == newest_release()
    assert result["overall"]["faces"] > 0

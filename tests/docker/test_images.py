"""The files that images and Compose are made of, checked as far as that goes without an engine."""

import importlib
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.tools import run_tool

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docker"
DOCKERFILES = sorted(FOLDER.glob("*/Dockerfile"))
COMPOSE = sorted(FOLDER.glob("compose*.yaml"))


TLS_FILES = ("FER_TRITON_CA", "FER_TRITON_CERT", "FER_TRITON_KEY")


def parsed(path: Path) -> dict[str, Any]:
    return pytest.importorskip("yaml").safe_load(path.read_text())


def services() -> list[tuple[str, dict[str, Any]]]:
    return [(name, service) for path in COMPOSE for name, service in parsed(path)["services"].items()]


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_hadolint_finds_nothing(path: Path) -> None:
    done = run_tool("hadolint", path)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_compose_files_fit_the_compose_specification(path: Path, tmp_path: Path) -> None:
    schema = ("--builtin-schema", "vendor.compose-spec")
    done = run_tool("check-jsonschema", *schema, path)
    assert done.returncode == 0, done.stdout
    spoilt = tmp_path / "compose.yaml"
    spoilt.write_text(path.read_text().replace("services:", "servces:"))
    assert run_tool("check-jsonschema", *schema, spoilt).returncode == 1


def test_the_scripts_are_shell() -> None:
    for script in sorted(FOLDER.rglob("*.sh")):
        assert run_tool("sh", "-n", script).returncode == 0
        assert script.stat().st_mode & 0o111


def test_no_container_can_change_itself_or_gain_rights() -> None:
    defined = [(name, service) for name, service in services() if "image" in service]
    assert {name for name, _ in defined} == {"server", "client", "prometheus", "grafana", "jaeger"}
    for name, service in defined:
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_own_images_run_as_a_plain_user() -> None:
    for path in DOCKERFILES:
        assert re.findall(r"^USER (\d+):(\d+)$", path.read_text(), re.MULTILINE)[-1] != ("0", "0")


def test_images_of_others_are_pinned() -> None:
    foreign = [service["image"] for _, service in services() if "image" in service and "build" not in service]
    assert len(foreign) == 3
    for image in foreign:
        assert re.search(r":v?\d+\.\d+\.\d+$", image), image
    server = (FOLDER / "server" / "Dockerfile").read_text()
    assert re.search(r"^ARG TRITON_RELEASE=\d\d\.\d\d$", server, re.MULTILINE)


@pytest.mark.parametrize(
    ("mode", "url", "files"),
    [
        ("mutual", "grpcs://server:8001", ["FER_TRITON_CA", "FER_TRITON_CERT", "FER_TRITON_KEY"]),
        ("server", "grpcs://server:8001", ["FER_TRITON_CA", "FER_TRITON_CERT", "FER_TRITON_KEY"]),
        ("none", "server:8001", []),
    ],
)
def test_the_client_of_compose_speaks_as_its_server_does(
    tmp_path: Path, mode: str, url: str, files: list[str]
) -> None:
    """In the client's place stands `env`, which prints what it is given."""
    (tmp_path / "fer-client").symlink_to(shutil.which("env") or "env")
    client = parsed(FOLDER / "compose.yaml")["services"]["client"]
    environment = {
        name: value.replace("${TLS_MODE:-mutual}", mode) for name, value in client["environment"].items()
    }
    entry = [word.replace("$$", "$") for word in client["entrypoint"]]
    command = [shutil.which(entry[0]) or entry[0], *entry[1:], "ARGUMENT=1"]
    told = subprocess.run(
        command, env=environment | {"PATH": str(tmp_path)}, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    given = dict(line.split("=", 1) for line in told)
    assert (given["FER_TRITON_URL"], given["ARGUMENT"]) == (url, "1")
    assert sorted(name for name in given if name in TLS_FILES) == files


def test_what_is_mounted_and_built_from_the_checkout_is_there() -> None:
    for _, service in services():
        if "build" in service:
            assert (FOLDER / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("./"):
                assert (FOLDER / source).is_dir(), source
    for path in DOCKERFILES:
        for source in re.findall(r"^COPY (?:--chmod=\S+ )?([\w/.]+) ", path.read_text(), re.MULTILINE):
            assert (ROOT / source).exists(), source


def test_only_the_server_and_pages_of_this_machine_are_published() -> None:
    for name, service in services():
        for port in service.get("ports", []):
            assert name == "server" or port.startswith("127.0.0.1:"), port


def test_the_build_reads_what_its_images_need_and_no_more() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    for name in allowed:
        assert (ROOT / name).exists(), name
    packages = re.findall(r"^packages = \[(.*)\]$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    needed = [
        *re.findall(r'"([^"]+)"', packages[0]),
        "model_repository",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
    ]
    for name in needed:
        assert any(name == place or name.startswith(f"{place}/") for place in allowed), name


def test_what_the_client_image_takes_from_the_package_is_there() -> None:
    text = (FOLDER / "client" / "Dockerfile").read_text()
    module, name = re.findall(r"from ([\w.]+) import (\w+)", text)[0]
    weights = importlib.import_module(module)
    assert callable(getattr(weights, name))
    assert f"FER_DETECTOR_MODEL=/opt/fer/cache/fer-triton/{weights.YUNET_FILE}" in text

"""The manifests as kubectl builds them, against the schemas of a current release of Kubernetes."""

import copy
import itertools
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from support.tools import run_tool

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docker" / "kubernetes"
OVERLAYS = sorted(path.name for path in (FOLDER / "overlays").iterdir())
COMPONENTS = sorted(path.name for path in (FOLDER / "components").iterdir())
Variants = dict[tuple[str, str], list[dict[str, Any]]]

VERSION = "1.34"
"""The oldest release that is checked; the newest is what the package holds."""


def built(folder: Path) -> list[dict[str, Any]]:
    yaml = pytest.importorskip("yaml")
    done = run_tool("kubectl", "kustomize", folder)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture(scope="module")
def variants(tmp_path_factory: pytest.TempPathFactory) -> Variants:
    """Each overlay alone, under the component "", and with each component, in a copy."""
    found = {(overlay, ""): built(FOLDER / "overlays" / overlay) for overlay in OVERLAYS}
    for overlay, component in itertools.product(OVERLAYS, COMPONENTS):
        place = tmp_path_factory.mktemp("variant") / "kubernetes"
        shutil.copytree(FOLDER, place)
        file = place / "overlays" / overlay / "kustomization.yaml"
        file.write_text(f"{file.read_text()}components: [../../components/{component}]\n")
        found[overlay, component] = built(file.parent)
    return found


def one(manifests: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [manifest for manifest in manifests if manifest["kind"] == kind]
    return found


@pytest.mark.parametrize("version", [VERSION, ""], ids=["oldest", "newest"])
def test_every_variant_fits_the_schema(variants: Variants, version: str) -> None:
    validation = pytest.importorskip("kubernetes_validate")
    count = 0
    for manifests in variants.values():
        for manifest in manifests:
            validation.validate(manifest, version or validation.latest_version(), strict=True)
            count += 1
    assert count == 7 * len(OVERLAYS) * (1 + len(COMPONENTS))
    spoilt = copy.deepcopy(one(variants["cpu", ""], "Deployment"))
    spoilt["spec"]["template"]["spec"]["containers"][0]["liveness"] = {}
    with pytest.raises(validation.ValidationError):
        validation.validate(spoilt, version or validation.latest_version(), strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_that_selects_the_servers_finds_them(variants: Variants, overlay: str) -> None:
    manifests = variants[overlay, ""]
    deployment = one(manifests, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"].items()
    selectors = [
        deployment["spec"]["selector"]["matchLabels"],
        one(manifests, "Service")["spec"]["selector"],
        one(manifests, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        one(manifests, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ]
    for selector in selectors:
        assert selector
        assert selector.items() <= labels
    assert one(manifests, "Service")["spec"]["clusterIP"] == "None"
    target = one(manifests, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", deployment["metadata"]["name"])
    names = {
        manifest["metadata"].get("namespace") for manifest in manifests if manifest["kind"] != "Namespace"
    }
    assert names == {one(manifests, "Namespace")["metadata"]["name"]}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_server_is_confined_and_probed_where_it_listens(variants: Variants, overlay: str) -> None:
    manifests = variants[overlay, ""]
    pod = one(manifests, "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": 8000, "grpc": 8001, "metrics": 8002}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert ports[container[probe]["httpGet"]["port"]] == 8000
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    assert mounts["tls"]["mountPath"] == "/tls"
    assert {volume["name"] for volume in pod["volumes"]} == set(mounts)
    assert (container["resources"]["limits"].get("nvidia.com/gpu") == "1") is (overlay == "gpu")
    assert container["resources"]["requests"]["cpu"]


def test_models_come_from_the_image_a_volume_or_a_bucket(variants: Variants) -> None:
    folders = set()
    for manifests in variants.values():
        pod = one(manifests, "Deployment")["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        (argument,) = container["args"]
        folder = argument.removeprefix("--model-repository=")
        folders.add(folder)
        mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
        assert mounts == {"/tls", "/tmp"} | ({folder} if folder == "/volume" else set())
        egress = one(manifests, "NetworkPolicy")["spec"].get("egress", [])
        assert bool(egress) is folder.startswith("s3://")
    assert folders == {"/models", "/volume", "s3://BUCKET/FOLDER"}
    dockerfile = (ROOT / "docker" / "server" / "Dockerfile").read_text()
    assert 'CMD ["--model-repository=/models"]' in dockerfile


def test_images_are_those_of_the_newest_release(variants: Variants) -> None:
    newest = re.search(r"^## (\d\S*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    for overlay in OVERLAYS:
        (container,) = one(variants[overlay, ""], "Deployment")["spec"]["template"]["spec"]["containers"]
        assert container["image"].endswith(f"/fer-triton-server:{newest[1]}")


def test_the_autoscaler_asks_for_a_figure_that_the_adapter_gives(variants: Variants) -> None:
    yaml = pytest.importorskip("yaml")
    adapter = yaml.safe_load((FOLDER / "monitoring" / "prometheus-adapter.yaml").read_text())
    given = {rule["name"]["as"] for rule in adapter["rules"]["custom"]}
    metrics = one(variants["cpu", ""], "HorizontalPodAutoscaler")["spec"]["metrics"]
    assert {metric["pods"]["metric"]["name"] for metric in metrics} == given

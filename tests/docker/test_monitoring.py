"""Debian's Prometheus scrapes the production server: every panel of the dashboard has a number."""

import json
import math
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.inference.client import InferenceClient
from fer_server.ports import free_ports
from support.production_server import ROOT, ProductionServer, production_server

DASHBOARD = ROOT / "docker" / "grafana" / "dashboards" / "fer.json"
PROMETHEUS = ROOT / "docker" / "prometheus"
NEEDS_GPU = {"GPUs in use (none without a GPU)"}


def panels() -> list[tuple[str, str]]:
    """The title of each panel, with each of its queries."""
    dashboard = json.loads(DASHBOARD.read_text())
    return [(panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel["targets"]]


def test_panels_ask_the_data_source_that_is_provisioned() -> None:
    yaml = pytest.importorskip("yaml")
    provisioned = yaml.safe_load(
        (ROOT / "docker/grafana/provisioning/datasources/prometheus.yaml").read_text()
    )
    known = {source["uid"] for source in provisioned["datasources"]}
    dashboard = json.loads(DASHBOARD.read_text())
    used = {target["datasource"]["uid"] for panel in dashboard["panels"] for target in panel["targets"]}
    assert used == known
    titles = [panel["title"] for panel in dashboard["panels"]]
    assert len(set(titles)) == len(titles)
    for word in ("queue", "Batch size", "Latency", "fail"):
        assert any(word in title for title in titles)


def test_prometheus_takes_the_rules_and_the_configuration() -> None:
    if shutil.which("promtool") is None:
        pytest.skip("needs promtool, of Debian's package prometheus")
    for check in (["rules", "rules.yml"], ["config", "prometheus.yml"]):
        done = subprocess.run(
            ["promtool", "check", *check], cwd=PROMETHEUS, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def autoscalers_query() -> str:
    """What the autoscaler's figure is made of, as the adapter asks for one pod's."""
    yaml = pytest.importorskip("yaml")
    file = ROOT / "docker" / "kubernetes" / "monitoring" / "prometheus-adapter.yaml"
    (rule,) = yaml.safe_load(file.read_text())["rules"]["custom"]
    return (
        rule["metricsQuery"]
        .replace("<<.GroupBy>>", "instance")
        .replace("<<.LabelMatchers>>", 'job="fer-triton"')
    )


@contextmanager
def prometheus(folder: Path, target: str) -> Iterator[str]:
    """Run Prometheus with the project's own configuration, a target here, and a scrape each half second."""
    if shutil.which("prometheus") is None:
        pytest.skip("needs Debian's package prometheus")
    yaml = pytest.importorskip("yaml")
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "500ms", "evaluation_interval": "500ms", "scrape_timeout": "500ms"}
    (job,) = config["scrape_configs"]
    del job["dns_sd_configs"]
    job["static_configs"] = [{"targets": [target]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    shutil.copy(PROMETHEUS / "rules.yml", folder)
    address = f"127.0.0.1:{free_ports(['127.0.0.1'])[0]}"
    options = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with (folder / "log").open("w") as log:
        running = subprocess.Popen(
            ["prometheus", *options, f"--web.listen-address={address}"], stdout=log, stderr=log
        )
        try:
            yield address
        finally:
            running.terminate()
            running.wait()


def query(address: str, expression: str) -> list[float]:
    """Give the values of the series that Prometheus answers with; none while it is not there yet."""
    with suppress(OSError):
        url = f"http://{address}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
            return [float(series["value"][1]) for series in found["data"]["result"]]
    return []


def send_faces(running: ProductionServer, count: int) -> None:
    with InferenceClient(running.grpc, 30) as client:
        contract = client.read_contract()
        crops = np.zeros((8, *contract.crop_shape), np.uint8)
        for answer in [client.submit(crops, contract) for _ in range(count)]:
            answer.result(60)


@pytest.mark.triton
def test_every_panel_has_a_number(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    wanted = [(title, expression) for title, expression in panels() if title not in NEEDS_GPU]
    assert len(wanted) >= 10
    wanted.append(("the autoscaler's", autoscalers_query()))
    with (
        production_server(tmp_path / "server", TLS_MODE="none") as running,
        prometheus(tmp_path, running.metrics) as address,
    ):
        end = time.monotonic() + 90
        values: dict[tuple[str, str], list[float]] = {}
        while time.monotonic() < end:
            send_faces(running, 20)
            values = {panel: query(address, panel[1]) for panel in wanted}
            if all(found and all(map(math.isfinite, found)) for found in values.values()):
                break
        missing = [
            panel for panel, found in values.items() if not found or not all(map(math.isfinite, found))
        ]
        assert missing == []
        batch = [found for (title, _), found in values.items() if title.startswith("Batch size")]
        assert 8 <= batch[0][0] <= 64
        assert query(address, "up") == [1.0]

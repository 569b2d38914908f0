"""A real Triton with exactly the options of the production image, and the client that talks to it."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
import pytest
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

from support.certificates import Certificates, make_certificates
from support.production_server import (
    SCRIPT,
    ProductionServer,
    production_server,
    status,
    tritonserver_help,
)

pytestmark = pytest.mark.triton


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("tls"), "server", "localhost")


@pytest.fixture(scope="module")
def production(files: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProductionServer]:
    with production_server(tmp_path_factory.mktemp("production"), TLS_FOLDER=str(files.server)) as running:
        yield running


def client(running: ProductionServer, files: Certificates, *, with_certificate: bool = True) -> object:
    own = [(files.client / name).read_bytes() for name in ("tls.key", "tls.crt")] if with_certificate else []
    credentials = grpc.ssl_channel_credentials((files.client / "ca.crt").read_bytes(), *own)
    address = running.grpc.replace("127.0.0.1", "localhost")
    return triton.InferenceServerClient(address, creds=credentials)


def analyse(
    running: ProductionServer, video: Path, cwd: Path, variables: dict[str, str]
) -> dict[str, object]:
    scheme = "grpcs://" if variables else ""
    command = [sys.executable, "-m", "fer_client", str(video), "--detector", "lumaface", "--json"]
    address = running.grpc.replace("127.0.0.1", "localhost")
    done = subprocess.run(
        [*command, "--url", f"{scheme}{address}"],
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["results"][0]


def test_the_client_does_the_main_job_with_it(
    production: ProductionServer, files: Certificates, face_video: Path, tmp_path: Path
) -> None:
    result = analyse(production, face_video, tmp_path, files.variables(is_mutual=True))
    assert result["frames_decoded"] == 30
    assert result["server"].startswith("Triton")


def test_every_option_is_one_of_tritonservers(production: ProductionServer) -> None:
    known = set(re.findall(r"^  (--[a-z0-9-]+)", tritonserver_help(), re.MULTILINE))
    used = {argument.partition("=")[0] for argument in production.arguments}
    assert "--grpc-use-ssl-mutual" in used
    assert used <= known
    assert set(re.findall(r"--[a-z0-9-]+(?==)", SCRIPT.read_text())) <= known


def test_who_shows_no_certificate_is_not_let_in(production: ProductionServer, files: Certificates) -> None:
    with (
        client(production, files, with_certificate=False) as stranger,
        pytest.raises(InferenceServerException),
    ):
        stranger.is_server_live(client_timeout=10)


@pytest.mark.parametrize(
    "call",
    [
        lambda triton: triton.get_inference_statistics("fer", client_timeout=10),
        lambda triton: triton.get_model_repository_index(client_timeout=10),
        lambda triton: triton.load_model("fer", client_timeout=10),
        lambda triton: triton.unload_model("fer", client_timeout=10),
        lambda triton: triton.get_system_shared_memory_status(client_timeout=10),
        lambda triton: triton.register_system_shared_memory("all", "/all", 64, client_timeout=10),
        lambda triton: triton.get_trace_settings(client_timeout=10),
        lambda triton: triton.get_log_settings(client_timeout=10),
    ],
)
def test_grpc_is_open_for_what_serving_needs_alone(
    production: ProductionServer, files: Certificates, call: object
) -> None:
    with client(production, files) as known, pytest.raises(InferenceServerException, match="restricted"):
        call(known)


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("v2", None),
        ("v2/models/fer", None),
        ("v2/models/fer/config", None),
        ("v2/models/fer/stats", None),
        ("v2/models/fer/infer", b"{}"),
        ("v2/repository/index", b"{}"),
        ("v2/systemsharedmemory/status", None),
        ("v2/trace/setting", None),
        ("v2/logging", None),
    ],
)
def test_http_is_open_for_health_alone(production: ProductionServer, path: str, data: bytes | None) -> None:
    assert status(f"http://{production.http}/v2/health/live") == 200
    assert status(f"http://{production.http}/{path}", data) == 403


def test_without_certificates_it_does_not_start(tmp_path: Path) -> None:
    done = subprocess.run(
        [SCRIPT], env={**os.environ, "TLS_FOLDER": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == f"Cannot read {tmp_path}/tls.crt: mount the certificates there.\n"


@pytest.mark.parametrize("mode", ["server", "none"])
def test_other_ways_to_encrypt(mode: str, files: Certificates, face_video: Path, tmp_path: Path) -> None:
    variables = files.variables(is_mutual=False) if mode == "server" else {}
    with production_server(tmp_path, TLS_MODE=mode, TLS_FOLDER=str(files.server)) as running:
        assert analyse(running, face_video, tmp_path, variables)["frames_decoded"] == 30


def test_traces_go_to_an_opentelemetry_collector(face_video: Path, tmp_path: Path) -> None:
    paths, has_come = [], threading.Event()

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            paths.append((self.path, sent))
            has_come.set()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        try:
            variables = {
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{collector.server_port}/v1/traces",
                "TRACE_RATE": "1",
                "TLS_MODE": "none",
            }
            with production_server(tmp_path, **variables) as running:
                analyse(running, face_video, tmp_path, {})
                assert has_come.wait(60)
        finally:
            collector.shutdown()
    assert {path for path, _ in paths} == {"/v1/traces"}
    assert any(b"fer-triton" in sent and b"expression" in sent for _, sent in paths)

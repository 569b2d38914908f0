"""The client with a real Triton that speaks TLS, knows its callers, or falls silent."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from fer_client.inference.client import InferenceClient
from support.certificates import Certificates, make_certificates
from support.embedded_server import EmbeddedServer, embedded_server
from support.triton_calls import statistics

pytestmark = pytest.mark.triton

MODELS = Path(__file__).parents[2] / "model_repository"
HEADER = "triton-grpc-protocol-entry"
SECRET = "a-secret-word"
RESTRICTED = f"--grpc-restricted-protocol=inference,metadata,model-config:entry={SECRET}"
KEYED = {"FER_TRITON_HEADERS": f"{HEADER}={SECRET}"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("tls"), "localhost", "fer-server", "127.0.0.1")


@pytest.fixture(scope="module")
def secured(files: Certificates) -> Iterator[EmbeddedServer]:
    """A server that takes callers with a certificate, and with the header that opens inference."""
    with embedded_server(MODELS, *files.tls_options(is_mutual=True), RESTRICTED) as running:
        yield running


def fer_client(cwd: Path, variables: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "fer_client", *words],
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_main_job_over_mutual_tls_with_a_header(
    secured: EmbeddedServer, files: Certificates, face_video: Path, tmp_path: Path
) -> None:
    url = f"grpcs://{secured.grpc.replace('127.0.0.1', 'localhost')}"
    variables = files.variables(is_mutual=True) | KEYED | {"FER_TRITON_URL": url}
    done = fer_client(tmp_path, variables, str(face_video), "--detector", "lumaface", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["results"][0]["overall"]["faces"] > 0
    told = (
        done.stdout
        + done.stderr
        + "".join(path.read_text() for path in tmp_path.rglob("*.*") if path.is_file())
    )
    assert SECRET not in told


def test_tls_alone(files: Certificates, tmp_path: Path) -> None:
    with embedded_server(MODELS, *files.tls_options(is_mutual=False)) as running:
        done = fer_client(
            tmp_path, files.variables(is_mutual=False), "doctor", "--url", f"grpcs://{running.grpc}"
        )
    assert f"is ready at grpcs://{running.grpc}" in done.stdout
    assert "a test crop's probabilities sum to 1.0000" in done.stdout


def without(variables: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name not in names}


@pytest.mark.parametrize(
    ("missing", "more", "scheme", "sentence"),
    [
        (["FER_TRITON_CA"], {}, "grpcs://", "FER_TRITON_CA must name the PEM file of the authority"),
        (
            ["FER_TRITON_CERT", "FER_TRITON_KEY"],
            {},
            "grpcs://",
            "FER_TRITON_CERT and FER_TRITON_KEY must name one",
        ),
        ([], {}, "", "If it speaks TLS, name it as grpcs://"),
        (["FER_TRITON_HEADERS"], {}, "grpcs://", f"asks its callers for the header {HEADER}"),
        ([], {"FER_TRITON_HEADERS": f"{HEADER}=wrong-word"}, "grpcs://", "has another value"),
        ([], {"FER_TRITON_SERVER_NAME": "elsewhere"}, "grpcs://", "FER_TRITON_SERVER_NAME"),
    ],
)
def test_what_is_missing_is_named(
    secured: EmbeddedServer,
    files: Certificates,
    tmp_path: Path,
    missing: list[str],
    more: dict[str, str],
    scheme: str,
    sentence: str,
) -> None:
    variables = without(files.variables(is_mutual=True) | KEYED, *missing) | more
    done = fer_client(tmp_path, variables, "doctor", "--url", f"{scheme}{secured.grpc}")
    assert done.returncode == 4
    assert sentence in done.stdout
    assert SECRET not in done.stdout + done.stderr
    assert "wrong-word" not in done.stdout + done.stderr
    assert done.stderr == ""


def test_a_server_without_tls_is_told_from_one_with_it(files: Certificates, tmp_path: Path) -> None:
    with embedded_server(MODELS) as running:
        done = fer_client(
            tmp_path, files.variables(is_mutual=False), "doctor", "--url", f"grpcs://{running.grpc}"
        )
    assert "speaks no TLS" in done.stdout


def test_a_name_of_the_certificate_stands_for_any_address_and_servers_share_the_work(
    secured: EmbeddedServer, files: Certificates, face_video: Path, tmp_path: Path
) -> None:
    options = [*files.tls_options(is_mutual=True), "--grpc-address=127.0.0.2", "--allow-http=true"]
    variables = files.variables(is_mutual=True) | KEYED | {"FER_TRITON_SERVER_NAME": "fer-server"}
    with embedded_server(MODELS, *options) as second:
        url = f"grpcs://{secured.grpc},{second.grpc}"
        words = (str(face_video), "--detector", "lumaface", "--batch-size", "1", "--url", url)
        done = fer_client(tmp_path, variables, *words)
        assert done.returncode == 0, done.stderr
        assert statistics(second, "fer")["inference_count"] > 0


@dataclass
class Line:
    """A line to a server; `forget` makes it carry nothing more of connections that are open, and not cut them."""

    address: str
    forgotten: set[socket.socket]
    open: set[socket.socket]

    def forget(self) -> None:
        self.forgotten |= self.open


@contextmanager
def line_to(address: str) -> Iterator[Line]:
    host, _, port = address.rpartition(":")

    def carry(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if source not in line.forgotten:
                    sink.sendall(data)

    def accept() -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection((host, int(port)))
                line.open |= {near, far}
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=carry, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        line = Line(f"127.0.0.1:{listener.getsockname()[1]}", set(), set())
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield line
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for end in line.open:
                end.close()


def test_a_connection_that_falls_silent_is_replaced_before_the_deadline() -> None:
    with (
        embedded_server(MODELS) as running,
        line_to(running.grpc) as line,
        InferenceClient(line.address, 8) as client,
    ):
        contract = client.read_contract()
        crops = np.zeros((1, *contract.crop_shape), np.uint8)
        for _ in range(2):
            assert len(client.submit(crops, contract).result(20).expression) == 1
            line.forget()

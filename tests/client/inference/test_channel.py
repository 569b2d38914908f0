"""The way to the server: past proxies where they have no business, and again where it is busy."""

import copy

import grpc
import numpy as np
import pytest

from fer_client.errors import ServerError
from fer_client.inference import channel
from fer_client.inference.addresses import is_loopback
from fer_client.inference.channel import proxy_variable
from fer_client.inference.client import InferenceClient, is_ready
from fer_client.inference.server import find_server
from support.protocol_server import ProtocolServer

NOWHERE = "http://127.0.0.1:1"
PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")


@pytest.fixture(autouse=True)
def _no_proxies_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, "no_grpc_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many attempts as always, and less time between them."""
    policy = copy.deepcopy(channel._RETRY_BUSY)
    policy["methodConfig"][0]["retryPolicy"].update(initialBackoff="0.1s", maxBackoff="0.2s")
    monkeypatch.setattr(channel, "_RETRY_BUSY", policy)


def submit(server: ProtocolServer, faces: int) -> int:
    """Send so many faces in one request; give the number of answers."""
    with InferenceClient(server.url, 30) as client:
        contract = client.read_contract()
        crops = np.zeros((faces, *contract.crop_shape), np.uint8)
        return len(client.submit(crops, contract).result(60).expression)


@pytest.mark.parametrize("variable", PROXIES)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_proxy_is_not_asked_for_a_server_here(
    server: ProtocolServer, monkeypatch: pytest.MonkeyPatch, variable: str, host: str
) -> None:
    monkeypatch.setenv(variable, NOWHERE)
    assert is_ready(server.url.replace("127.0.0.1", host))
    assert submit(server, 3) == 3


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("localhost:8001", True),
        ("127.8.9.1:8001", True),
        ("[::1]:8001", True),
        ("LOCALHOST:8001", True),
        ("127.example.org:8001", False),
        ("10.0.0.1:8001", False),
        ("gpu-box:8001", False),
    ],
)
def test_loopback_is_what_never_leaves_the_machine(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


@pytest.mark.parametrize("variable", PROXIES)
def test_a_proxy_between_here_and_the_server_is_named(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, NOWHERE)
    with (
        find_server("gpu-box.invalid:8001", print) as found,
        InferenceClient(found.url, 5) as client,
        pytest.raises(ServerError, match=rf"proxy that {variable} names.*no_proxy=gpu-box\.invalid"),
    ):
        client.read_contract()


@pytest.mark.parametrize("exempt", ["gpu-box.invalid", "other, .INVALID"])
@pytest.mark.parametrize("variable", ["no_proxy", "no_grpc_proxy"])
def test_a_proxy_that_does_not_apply_is_not_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, exempt: str
) -> None:
    monkeypatch.setenv("http_proxy", NOWHERE)
    assert proxy_variable("gpu-box.invalid:8001") == "http_proxy"
    monkeypatch.setenv(variable, exempt)
    assert proxy_variable("gpu-box.invalid:8001") is None


@pytest.mark.usefixtures("_quick_retries")
@pytest.mark.parametrize("faces", [1, 29, 64])
def test_a_busy_server_is_asked_again_for_batches_of_any_size(server: ProtocolServer, faces: int) -> None:
    server.failure, server.failures_left = grpc.StatusCode.UNAVAILABLE, 2
    assert submit(server, faces) == faces
    assert server.batches == [faces]


@pytest.mark.usefixtures("_quick_retries")
@pytest.mark.parametrize(
    "reason", ["Exceeds maximum queue size", "in ensemble 'fer', Request timeout expired"]
)
def test_a_server_that_stays_busy_is_not_called_unreachable(server: ProtocolServer, reason: str) -> None:
    server.failure, server.reason = grpc.StatusCode.UNAVAILABLE, reason
    server.failures_left = 100
    with pytest.raises(ServerError, match=r"is busy.*--in-flight") as caught:
        submit(server, 64)
    assert "reached" not in str(caught.value)
    assert 100 - server.failures_left > 1

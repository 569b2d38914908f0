"""Several servers under one address: asked in turn, and the others where one is away."""

from collections.abc import Iterator

import grpc
import numpy as np
import pytest

from fer_client.errors import ContractError, ServerError
from fer_client.inference.client import InferenceClient
from support.protocol_server import ProtocolServer

NOBODY = "127.0.0.1:9"


@pytest.fixture
def other() -> Iterator[ProtocolServer]:
    with ProtocolServer() as running:
        yield running


def ask(url: str, requests: int) -> list[int]:
    """Send requests of 1, 2, ... faces; give the number of answers of each."""
    with InferenceClient(url, 20) as client:
        contract = client.read_contract()
        sent = [
            client.submit(np.zeros((faces, *contract.crop_shape), np.uint8), contract)
            for faces in range(1, requests + 1)
        ]
        return [len(answer.result(60).expression) for answer in sent]


def test_each_server_gets_its_share(server: ProtocolServer, other: ProtocolServer) -> None:
    with InferenceClient(f"{server.url},{other.url}", 20) as client:
        contract = client.read_contract()
        crops = np.zeros((1, *contract.crop_shape), np.uint8)
        for _ in range(2000):  # until the second connection stands, one gets all
            client.submit(crops, contract).result(60)
            if server.batches and other.batches:
                break
        before = len(server.batches), len(other.batches)
        for _ in range(10):
            client.submit(crops, contract).result(60)
    assert min(before) > 0
    assert (len(server.batches) - before[0], len(other.batches) - before[1]) == (5, 5)


def test_a_server_that_is_away_is_left_out(server: ProtocolServer) -> None:
    assert ask(f"{NOBODY},{server.url}", 4) == [1, 2, 3, 4]


def test_what_a_server_refuses_another_one_answers(server: ProtocolServer, other: ProtocolServer) -> None:
    server.failure = grpc.StatusCode.UNAVAILABLE
    assert ask(f"{server.url},{other.url}", 6) == [1, 2, 3, 4, 5, 6]
    assert len(other.batches) == 6


def test_servers_of_different_networks_are_not_mixed(server: ProtocolServer, other: ProtocolServer) -> None:
    other.labels = other.labels[:-1]
    with pytest.raises(ContractError, match=f"{server.url} and {other.url} serve different networks"):
        ask(f"{server.url},{other.url}", 1)


def test_where_all_are_away_it_says_so() -> None:
    with pytest.raises(ServerError, match="can be reached at 127"):
        ask(f"{NOBODY},127.0.0.2:9", 1)

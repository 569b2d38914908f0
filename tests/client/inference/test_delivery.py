"""A run outlives its server: what was not answered is sent again, and the tables are as if nothing had been."""

import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import grpc
import numpy as np
import pytest

from fer_client.contract import Contract
from fer_client.errors import ContractError, ServerError, ServerLostError
from fer_client.inference.client import InferenceClient
from fer_client.inference.delivery import Delivery
from support.command import Command, assert_fails
from support.protocol_server import LABELS, ProtocolServer, expected_probabilities

CONTRACT = Contract((96, 96, 1), tuple(LABELS), 64, False, "1")
CROPS = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones((1, 96, 96, 1), np.uint8) + 40


def pauses(actions: list[Callable[[], None]]) -> Callable[[float], None]:
    """A pause that takes no time and does the next of the actions, if there is one."""

    def pause(_seconds: float) -> None:
        if actions:
            actions.pop(0)()

    return pause


def test_one_connection_that_breaks_costs_nothing(server: ProtocolServer) -> None:
    told: list[str] = []
    server.failure, server.failures_left = grpc.StatusCode.UNAVAILABLE, 5  # as often as gRPC itself tries
    with InferenceClient(server.url, 10) as client:
        delivery = Delivery(client, CONTRACT, notify=told.append)
        answer = delivery.receive(delivery.submit(CROPS))
    np.testing.assert_allclose(answer.expression, expected_probabilities(CROPS), atol=1e-6)
    assert told == []


def test_a_server_that_is_gone_for_a_while_is_waited_for(server: ProtocolServer) -> None:
    told: list[str] = []
    server.failure, server.ready = grpc.StatusCode.UNAVAILABLE, False

    def come_back() -> None:
        server.failure, server.ready = None, True

    with InferenceClient(server.url, 10) as client:
        pause = pauses([lambda: None, come_back])
        delivery = Delivery(client, CONTRACT, patience_s=60, pause=pause, notify=told.append)
        answer = delivery.receive(delivery.submit(CROPS))
    np.testing.assert_allclose(answer.expression, expected_probabilities(CROPS), atol=1e-6)
    assert [sentence.split(";")[1] for sentence in told] == [
        " waiting up to 60 s for it to come back.",
        " nothing is lost.",
    ]


def test_a_model_that_is_unloaded_for_a_while_is_waited_for(server: ProtocolServer) -> None:
    with InferenceClient(server.url, 10) as client:
        delivery = Delivery(
            client, CONTRACT, patience_s=60, pause=pauses([lambda: setattr(server, "model", "fer")])
        )
        server.model = "other"
        assert len(delivery.receive(delivery.submit(CROPS)).expression) == 3


def test_patience_ends(server: ProtocolServer) -> None:
    server.failure, server.ready = grpc.StatusCode.UNAVAILABLE, False
    with InferenceClient(server.url, 10) as client:
        delivery = Delivery(client, CONTRACT)
        with pytest.raises(ServerError, match="is not ready"):  # what it said last
            delivery.receive(delivery.submit(CROPS))


def test_a_server_that_stops_is_told_as_that(server: ProtocolServer) -> None:
    server.failure, server.reason = grpc.StatusCode.UNAVAILABLE, "'fer' has no available versions"
    with InferenceClient(server.url, 10) as client, pytest.raises(ServerLostError, match="it is stopping"):
        client.submit(CROPS, CONTRACT).result(10)


def test_another_network_after_the_return_is_refused(server: ProtocolServer) -> None:
    server.failure, server.ready = grpc.StatusCode.UNAVAILABLE, False

    def come_back_with_other_labels() -> None:
        server.failure, server.ready = None, True
        server.labels = list(reversed(LABELS))

    with InferenceClient(server.url, 10) as client:
        delivery = Delivery(client, CONTRACT, patience_s=60, pause=pauses([come_back_with_other_labels]))
        with pytest.raises(ContractError, match="came back with another network"):
            delivery.receive(delivery.submit(CROPS))


def test_a_server_of_this_job_is_started_again_and_three_times_at_most(server: ProtocolServer) -> None:
    starts = 0

    def restart() -> str:
        nonlocal starts
        starts += 1
        return server.url

    with socket.socket() as nobody, InferenceClient("127.0.0.1:9", 5) as client:
        nobody.bind(("127.0.0.1", 0))  # a port at which nothing listens
        client.move_to(f"127.0.0.1:{nobody.getsockname()[1]}")
        delivery = Delivery(client, CONTRACT, restart)
        assert len(delivery.receive(delivery.submit(CROPS)).expression) == 3
        assert starts == 1
        server.failure, server.reason = grpc.StatusCode.INTERNAL, "Stub process 'x' is not healthy."
        with pytest.raises(ServerLostError, match="has died"):
            delivery.receive(delivery.submit(CROPS))
    assert starts == 3


def test_what_was_under_way_when_the_client_moved_on_is_sent_again(server: ProtocolServer) -> None:
    server.hang.clear()
    with InferenceClient(server.url, 10) as client:
        delivery = Delivery(client, CONTRACT)
        pending = delivery.submit(CROPS)
        client.move_to(server.url)
        server.hang.set()
        answer = delivery.receive(pending)
    np.testing.assert_allclose(answer.expression, expected_probabilities(CROPS), atol=1e-6)


def test_an_answer_that_never_ends_is_waited_for_no_longer_than_the_deadline(server: ProtocolServer) -> None:
    def too_late(_future: "Future[object]", until_s: float) -> object:
        assert until_s < float("inf")
        raise TimeoutError

    with InferenceClient(server.url, 7) as client:
        delivery = Delivery(client, CONTRACT, wait=too_late)  # type: ignore[arg-type]
        with pytest.raises(ServerError, match="within the deadline of 7 s"):
            delivery.receive(delivery.submit(CROPS))


def test_the_tables_of_a_run_whose_server_went_away_are_the_same(
    run: Command, face_video: Path, tmp_path: Path, server: ProtocolServer
) -> None:
    run(face_video, "--out", "whole", "--batch-size", "3")
    server.failure, server.failures_left = grpc.StatusCode.UNAVAILABLE, 7
    back = threading.Timer(1.5, lambda: setattr(server, "failures_left", 0))
    back.start()
    done = run(face_video, "--out", "disturbed", "--batch-size", "3")
    back.join()
    assert done.returncode == 0
    whole, disturbed = (
        (tmp_path / name / "face" / "faces.csv").read_bytes() for name in ("whole", "disturbed")
    )
    assert whole == disturbed


def test_no_patience_ends_the_run_at_once(run: Command, face_video: Path, server: ProtocolServer) -> None:
    server.failure = grpc.StatusCode.UNAVAILABLE
    assert_fails(run(face_video, "--reconnect", "0"), 4, "No Triton server can be reached")


def test_another_network_at_the_same_address_is_found_although_no_call_failed(
    run: Command, face_video: Path, tmp_path: Path, server: ProtocolServer
) -> None:
    """gRPC connects anew by itself, as to a server that took the place of the first within a second."""
    server.hang.clear()

    def exchange() -> None:
        assert server.asked.wait(60)
        server.labels = list(reversed(LABELS))
        server.hang.set()

    other = threading.Thread(target=exchange)
    other.start()
    assert_fails(run(face_video), 5, "another network")
    other.join()
    assert list((tmp_path / "out").iterdir()) == []

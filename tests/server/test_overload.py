"""More work than a server can do: it refuses, and afterwards answers as before.

On a machine that is busy besides, Triton may take one of its own processes for dead and be started again; that loses
what is under way, and nothing else.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from fer_client.contract import FACES, MODEL
from fer_client.errors import ServerError
from fer_client.inference.client import InferenceClient
from support.embedded_server import EmbeddedServer, embedded_server
from support.fault_record import FaultRecord

pytestmark = pytest.mark.triton
REPOSITORY = Path(__file__).parents[2] / "model_repository"
SOON_S = 120


@pytest.fixture(scope="module")
def busy() -> Iterator[EmbeddedServer]:
    with embedded_server(REPOSITORY) as running:
        yield running


@pytest.fixture
def stub(busy: EmbeddedServer) -> Iterator[service_pb2_grpc.GRPCInferenceServiceStub]:
    await_answer(busy)
    with grpc.insecure_channel(busy.grpc, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


def await_answer(server: EmbeddedServer) -> None:
    """Ask as `fer-client` does, until there is an answer."""
    end = time.monotonic() + SOON_S
    while True:
        try:
            with InferenceClient(server.grpc, 60) as client:
                contract = client.read_contract()
                client.submit(np.zeros((1, *contract.crop_shape), np.uint8), contract).result(90)
            return
        except ServerError:
            assert time.monotonic() < end


def full_batch() -> service_pb2.ModelInferRequest:
    request = service_pb2.ModelInferRequest(model_name=MODEL)
    request.inputs.add(name=FACES, datatype="UINT8", shape=[64, 96, 96, 1])
    request.raw_input_contents.append(bytes(64 * 96 * 96))
    return request


def test_abandoned_requests_do_not_shut_others_out(
    busy: EmbeddedServer, stub: service_pb2_grpc.GRPCInferenceServiceStub, faults: FaultRecord
) -> None:
    under_way = [stub.ModelInfer.future(full_batch()) for _ in range(150)]
    under_way[0].exception()
    for call in under_way:
        call.cancel()
    await_answer(busy)
    faults.held("hostile client", "150 full batches abandoned", "others wait for seconds and are answered")


def test_more_requests_than_may_wait_are_refused_and_not_kept(
    busy: EmbeddedServer, stub: service_pb2_grpc.GRPCInferenceServiceStub, faults: FaultRecord
) -> None:
    under_way = [stub.ModelInfer.future(full_batch()) for _ in range(300)]
    refused = [error.details() for call in under_way if (error := call.exception())]
    assert any("maximum queue size" in reason for reason in refused)
    await_answer(busy)
    faults.held(
        "hostile client", "300 full batches at once", "those beyond the queue are refused, others answered"
    )

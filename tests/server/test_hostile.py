"""What clients that mean harm send to the served network: each is refused, and others are answered as before."""

import contextlib
import itertools
import random
import resource
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from fer_client.inference.access import Access
from fer_client.inference.channel import channel_options
from support.embedded_server import EmbeddedServer, embedded_server
from support.fault_record import FaultRecord

pytestmark = pytest.mark.triton

KIND = "hostile client"
REPOSITORY = Path(__file__).parents[2] / "model_repository"
CROP = 96 * 96
SERVICE = "/inference.GRPCInferenceService/"
UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
Request = service_pb2.ModelInferRequest


@pytest.fixture(scope="module")
def attacked() -> Iterator[EmbeddedServer]:
    """One server for all attacks, whose files are limited as most systems limit them; none of them may end it."""
    with contextlib.ExitStack() as stack:
        with few_files():
            running = stack.enter_context(embedded_server(REPOSITORY))
        yield running
    assert running.said == ""


@contextlib.contextmanager
def few_files() -> Iterator[None]:
    """What is started inside may open 256 files, unless it asks for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def channel(attacked: EmbeddedServer) -> Iterator[grpc.Channel]:
    """A channel of the one who means harm, with its checks of sizes switched off."""
    options = [*UNLIMITED, ("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(attacked.grpc, options) as opened:
        yield opened


@pytest.fixture(autouse=True)
def others_are_answered(attacked: EmbeddedServer) -> Iterator[None]:
    """Before and after each test: the same server, ready, with the same answer for the same crops."""
    before = answer(attacked)
    yield
    assert answer(attacked) == before
    assert attacked.tritonserver_pid in attacked.processes()


def answer(server: EmbeddedServer) -> list[bytes]:
    """Ask as `fer-client` does, again where the server is busy."""
    options = [*channel_options(server.grpc, Access(), 60), ("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(server.grpc, options) as opened:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(opened)
        assert stub.ServerReady(service_pb2.ServerReadyRequest(), timeout=30).ready
        return list(stub.ModelInfer(faces(4), timeout=60, wait_for_ready=True).raw_output_contents)


def faces(count: int, **changes: Any) -> Request:
    """A request with `count` crops, changed by the arguments."""
    shape = changes.pop("shape", [count, 96, 96, 1])
    data = changes.pop("data", bytes(range(256)) * (count * CROP // 256))
    name, kind = changes.pop("input", "FACES"), changes.pop("datatype", "UINT8")
    request = Request(**{"model_name": "fer", **changes})
    request.inputs.add(name=name, datatype=kind, shape=shape)
    request.raw_input_contents.append(data)
    return request


def with_twice_the_input() -> Request:
    request = faces(1)
    request.inputs.append(request.inputs[0])
    request.raw_input_contents.append(request.raw_input_contents[0])
    return request


def with_both_kinds_of_contents() -> Request:
    request = faces(1)
    request.inputs[0].contents.uint_contents.extend([0] * CROP)
    return request


def without_inputs() -> Request:
    return Request(model_name="fer")


def from_shared_memory(region: str) -> Request:
    request = faces(1)
    del request.raw_input_contents[:]
    parameters = request.inputs[0].parameters
    parameters["shared_memory_region"].string_param = region
    parameters["shared_memory_byte_size"].int64_param = CROP
    return request


def into_shared_memory() -> Request:
    request = faces(1)
    parameters = request.outputs.add(name="EXPRESSION").parameters
    parameters["shared_memory_region"].string_param = "out"
    parameters["shared_memory_byte_size"].int64_param = 28
    return request


def of_unknown_output() -> Request:
    request = faces(1)
    request.outputs.add(name="NETWORK_INPUT")
    return request


REFUSED: dict[str, Callable[[], Request]] = {
    "another type": lambda: faces(1, datatype="FP32", data=bytes(4 * CROP)),
    "no type": lambda: faces(1, datatype="POINTER"),
    "texts": lambda: faces(1, datatype="BYTES", data=b"\xff" * CROP),
    "another size": lambda: faces(1, shape=[1, 95, 96, 1], data=bytes(95 * 96)),
    "another rank": lambda: faces(1, shape=[CROP], data=bytes(CROP)),
    "no rank": lambda: faces(1, shape=[]),
    "no faces": lambda: faces(0),
    "a negative batch": lambda: faces(1, shape=[-1, 96, 96, 1]),
    "one face too many": lambda: faces(65),
    "ten thousand faces": lambda: faces(10_000),
    "too little data": lambda: faces(1, data=bytes(CROP - 1)),
    "too much data": lambda: faces(1, data=bytes(CROP + 1)),
    "no data": lambda: faces(1, data=b""),
    "no input": without_inputs,
    "another input": lambda: faces(1, input="PIXELS"),
    "an input of another model": lambda: faces(1, model_name="expression"),
    "the same input twice": with_twice_the_input,
    "two kinds of contents": with_both_kinds_of_contents,
    "an output that is none": of_unknown_output,
    "a model that is none": lambda: faces(1, model_name="../fer"),
    "a version that is none": lambda: faces(1, model_version="2"),
    "a version that is no number": lambda: faces(1, model_version="../1"),
    "memory that is not registered": lambda: from_shared_memory("in"),
    "memory outside of it": lambda: from_shared_memory("../../etc/passwd"),
    "an answer into memory": into_shared_memory,
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_request_that_does_not_fit_is_refused(
    channel: grpc.Channel, kind: str, faults: FaultRecord
) -> None:
    stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
    with pytest.raises(grpc.RpcError) as caught:
        stub.ModelInfer(REFUSED[kind](), timeout=60)
    code = caught.value.code()
    assert code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAVAILABLE)
    faults.held(KIND, "requests that do not fit", "refused with an error")


@pytest.mark.parametrize("count", [2**32, 1 + 2**32, 1 + 2**54, 2**62])
def test_a_batch_beyond_32_bits_is_the_batch_that_its_data_fill(
    channel: grpc.Channel, count: int, faults: FaultRecord
) -> None:
    stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
    answered = stub.ModelInfer(faces(1, shape=[count, 96, 96, 1]), timeout=60)
    assert sorted(map(len, answered.raw_output_contents)) == [2 * 4, 7 * 4]
    faults.held(KIND, "batches beyond 32 bits", "answered as the batch that the data fill")


def test_a_request_that_unpacks_to_a_thousand_times_its_size_is_refused(
    channel: grpc.Channel, faults: FaultRecord
) -> None:
    stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
    bomb = faces(10_000, data=bytes(10_000 * CROP))
    with pytest.raises(grpc.RpcError, match="batch"):
        stub.ModelInfer(bomb, timeout=60, compression=grpc.Compression.Gzip)
    faults.held(KIND, "a request that unpacks to a thousand times its size", "refused with an error")


def test_bytes_that_are_no_message_are_refused_by_every_method(
    channel: grpc.Channel, faults: FaultRecord
) -> None:
    rng = random.Random(0)
    good = faces(1).SerializeToString()
    for method in (
        "ModelInfer",
        "ServerMetadata",
        "ModelConfig",
        "ModelStatistics",
        "SystemSharedMemoryRegister",
    ):
        call = channel.unary_unary(SERVICE + method)
        for _ in range(20):
            damaged = bytearray(good)
            for place in rng.sample(range(100), 8):
                damaged[place] = rng.randrange(256)
            for data in (bytes(damaged), rng.randbytes(300), good[: rng.randrange(len(good))]):
                with contextlib.suppress(grpc.RpcError):  # some of them happen to be messages
                    call(data, timeout=60)
    faults.held(KIND, "damaged and random messages", "the server goes on", tried=300)


NO_GRPC = {
    "nothing": b"",
    "HTTP/1": b"POST /v2/models/fer/infer HTTP/1.1\r\nContent-Length: 1200000\r\n\r\n" + b'{"a":' * 200_000,
    "chunks": b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 100_000,
    "TLS": bytes.fromhex("16030100c8010000c40303") + bytes(200),
    "half a greeting": b"PRI * HTTP/2.0\r\n\r\nSM",
    "endless settings": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0" * 10_000,
    "a frame of 16 MB": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff\xff\xff\1\4\0\0\0\1" + bytes(100_000),
    "noise": random.Random(1).randbytes(100_000),
}


@pytest.mark.parametrize("kind", NO_GRPC)
def test_what_is_no_grpc_ends_its_own_connection_at_most(
    attacked: EmbeddedServer, kind: str, faults: FaultRecord
) -> None:
    # However the server hangs up: by a reset, or before this side has ended its own half.
    with contextlib.suppress(OSError), connected(attacked) as connection:
        connection.sendall(NO_GRPC[kind])
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass
    faults.held(
        KIND, "bytes that are no gRPC, HTTP and TLS among them", "they end their own connection at most"
    )


def connected(server: EmbeddedServer) -> socket.socket:
    host, _, port = server.grpc.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=30)


def test_more_connections_than_most_systems_allow_shut_nobody_out(
    attacked: EmbeddedServer, faults: FaultRecord
) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(600):
            stack.enter_context(connected(attacked))
        assert answer(attacked)
    faults.held(KIND, "600 connections at once", "others are answered")


def test_streams_left_open_shut_nobody_out(
    attacked: EmbeddedServer, channel: grpc.Channel, faults: FaultRecord
) -> None:
    stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
    held = [stub.ModelStreamInfer(itertools.repeat(faces(1), 3), timeout=30) for _ in range(50)]
    for stream in held[::2]:
        next(stream)
    assert answer(attacked)
    for stream in held:
        stream.cancel()
    faults.held(KIND, "50 streams left open", "others are answered")

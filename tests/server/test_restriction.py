"""What serving does not need is closed, in the options and in a real tritonserver."""

import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

from fer_server.restriction import restrictions
from support.embedded_server import EmbeddedServer, embedded_server
from support.fault_record import FaultRecord
from support.onnx_models import write_double


def closed(*arguments: str) -> dict[str, set[str]]:
    """What is closed for good, by option."""
    options = (text.partition("=") for text in restrictions(arguments))
    return {name: set(value.partition(":")[0].split(",")) for name, _, value in options}


def test_everything_that_serving_does_not_need_is_closed() -> None:
    needless = {"shared-memory", "model-repository", "trace", "logging"}
    assert closed() == {"--grpc-restricted-protocol": needless, "--http-restricted-api": needless}


def test_the_key_is_of_no_use_to_who_reads_the_command_line_and_never_the_same() -> None:
    first, second = list(restrictions([])), list(restrictions([]))
    assert all("\n=" in text for text in first)
    assert not {text.rpartition("=")[2] for text in first} & {text.rpartition("=")[2] for text in second}


def test_what_the_user_gives_a_key_to_is_the_users() -> None:
    found = closed(
        "--grpc-restricted-protocol=shared-memory,health:mine=1", "--grpc-restricted-protocol", "trace:its=2"
    )
    assert found["--grpc-restricted-protocol"] == {"model-repository", "logging"}
    assert "shared-memory" in found["--http-restricted-api"]


def test_where_the_user_gives_keys_to_all_nothing_is_added() -> None:
    own = "--http-restricted-api=shared-memory,model-repository,trace,logging:mine=1"
    assert list(closed(own)) == ["--grpc-restricted-protocol"]


NEEDLESS: dict[str, Callable[[Any, Any], object]] = {
    "repository index": lambda client, headers: client.get_model_repository_index(headers=headers),
    "load": lambda client, headers: client.load_model("double", headers=headers),
    "unload": lambda client, headers: client.unload_model("double", headers=headers),
    "register shared memory": lambda client, headers: client.register_system_shared_memory(
        "a", "/a", 4, headers=headers
    ),
    "look at shared memory": lambda client, headers: client.get_system_shared_memory_status(headers=headers),
    "register GPU memory": lambda client, headers: client.register_cuda_shared_memory(
        "a", b"YWFh", 0, 4, headers=headers
    ),
    "set trace": lambda client, headers: client.update_trace_settings(
        settings={"trace_rate": "1"}, headers=headers
    ),
    "set log": lambda client, headers: client.update_log_settings({"log_file": "/tmp/a"}, headers=headers),
}


@pytest.mark.triton
@pytest.mark.parametrize("call", NEEDLESS)
def test_what_serving_does_not_need_is_refused(
    server: EmbeddedServer, call: str, faults: FaultRecord
) -> None:
    with (
        triton.InferenceServerClient(server.grpc) as client,
        pytest.raises(InferenceServerException, match="This protocol is restricted"),
    ):
        NEEDLESS[call](client, {})
    faults.held("hostile client", "calls that serving does not need", "refused with an error")


@pytest.mark.triton
def test_what_clients_and_tools_read_is_open(server: EmbeddedServer) -> None:
    with triton.InferenceServerClient(server.grpc) as client:
        assert client.is_server_ready()
        assert client.is_model_ready("double")
        assert client.get_model_metadata("double").name == "double"
        assert client.get_model_config("double").config.name == "double"
        assert client.get_server_metadata().version
        assert client.get_inference_statistics("double").model_stats[0].name == "double"


def key_on_the_command_line(server: EmbeddedServer, option: bytes) -> tuple[bytes, bytes]:
    """Name and value of the header that opens what is closed, as any user of the machine can read them."""
    words = Path(f"/proc/{server.tritonserver_pid}/cmdline").read_bytes().split(b"\0")
    (word,) = (word for word in words if word.startswith(option))
    name, _, value = word.partition(b":")[2].partition(b"=")
    return name, value


@pytest.mark.triton
@pytest.mark.parametrize("line_break", [b"\n", b"\n ", b"\r\n", b"\r\n "])
def test_the_command_line_opens_nothing_over_http(server: EmbeddedServer, line_break: bytes) -> None:
    name, value = key_on_the_command_line(server, b"--http-restricted-api")
    header = name.replace(b"\n", line_break) + b": " + value
    host, _, port = server.http.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(
            b"POST /v2/repository/index HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n"
            + header
            + b"\r\n\r\n"
        )
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert not answer.startswith(b"HTTP/1.1 200")


@pytest.mark.triton
def test_the_command_line_opens_nothing_over_grpc(server: EmbeddedServer) -> None:
    name, value = key_on_the_command_line(server, b"--grpc-restricted-protocol")
    # A client refuses such a header itself, so the bytes are written by hand (RFC 9113, RFC 7541).
    fields = {
        b":method": b"POST",
        b":scheme": b"http",
        b":path": b"/inference.GRPCInferenceService/RepositoryIndex",
        b":authority": b"x",
        b"te": b"trailers",
        b"content-type": b"application/grpc",
        b"triton-grpc-protocol-" + name: value,
    }
    literals = (b"\0" + b"".join(bytes([len(part)]) + part for part in field) for field in fields.items())
    frames = [(4, 0, 0, b""), (1, 4, 1, b"".join(literals)), (0, 1, 1, bytes(5))]
    host, _, port = server.grpc.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        for kind, flags, stream, body in frames:
            connection.sendall(
                struct.pack(">I", len(body))[1:] + struct.pack(">BBI", kind, flags, stream) + body
            )
        answer = b""
        while b"grpc-status" not in answer:
            received = connection.recv(4096)
            assert received
            answer += received
    assert b"double" not in answer
    assert answer.partition(b"grpc-status")[2][1:2] != b"0"


@pytest.mark.triton
def test_a_key_of_the_users_opens_what_it_names(tmp_path: Path) -> None:
    write_double(tmp_path)
    own = "--grpc-restricted-protocol=model-repository,health:door=open"
    with (
        embedded_server(tmp_path, own) as running,
        triton.InferenceServerClient(running.grpc) as client,
    ):
        headers = {"triton-grpc-protocol-door": "open"}
        assert client.get_model_repository_index(headers=headers).models[0].name == "double"
        with pytest.raises(InferenceServerException, match="restricted"):
            client.is_server_ready()
        with pytest.raises(InferenceServerException, match="restricted"):
            NEEDLESS["set log"](client, headers)

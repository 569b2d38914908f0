"""Send a server what it must refuse, until the process is ended: a part of `python -m benchmarks.soak --attack`.

    python -m benchmarks.attack HOST:PORT

One thread each sends requests that do not fit, abandons requests, opens connections without a word, and writes noise.
Each pauses for a moment after every attempt: what is measured is the server's answer to odd requests, not how fast one
machine fills another's network.
"""

import contextlib
import os
import socket
import sys
import threading
import time

import grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc

from fer_client.contract import FACES, MODEL

_PAUSE_S = 0.05
_HELD = 300
_CROP = 96 * 96


def _request(faces: int, shape: list[int], datatype: str = "UINT8") -> service_pb2.ModelInferRequest:
    request = service_pb2.ModelInferRequest(model_name=MODEL)
    request.inputs.add(name=FACES, datatype=datatype, shape=shape)
    request.raw_input_contents.append(bytes(faces * _CROP))
    return request


def send_misfits(url: str) -> None:
    """Send wrong types, shapes and batches."""
    stub = service_pb2_grpc.GRPCInferenceServiceStub(grpc.insecure_channel(url))
    kinds = [
        _request(1, [1, 96, 96, 1], "FP32"),
        _request(1, [1, 95, 96, 1]),
        _request(100, [100, 96, 96, 1]),
        _request(1, [-1, 96, 96, 1]),
    ]
    while True:
        for request in kinds:
            with contextlib.suppress(grpc.RpcError):
                stub.ModelInfer(request, timeout=5)
            time.sleep(_PAUSE_S)


def abandon(url: str) -> None:
    """Cancel requests at once."""
    stub = service_pb2_grpc.GRPCInferenceServiceStub(grpc.insecure_channel(url))
    request = _request(1, [1, 96, 96, 1])
    while True:
        stub.ModelInfer.future(request).cancel()
        time.sleep(_PAUSE_S)


def hold_connections(url: str) -> None:
    """Keep many connections open without a word, and replace the oldest."""
    host, _, port = url.rpartition(":")
    held: list[socket.socket] = []
    while True:
        with contextlib.suppress(OSError):
            held.append(socket.create_connection((host, int(port)), timeout=5))
        if len(held) > _HELD:
            held.pop(0).close()
        time.sleep(_PAUSE_S)


def write_noise(url: str) -> None:
    """Write bytes that are no HTTP/2."""
    host, _, port = url.rpartition(":")
    while True:
        with (
            contextlib.suppress(OSError),
            socket.create_connection((host, int(port)), timeout=5) as connection,
        ):
            connection.sendall(os.urandom(10_000))
        time.sleep(_PAUSE_S)


def main() -> None:
    """Attack until the process is ended."""
    for kind in (send_misfits, abandon, hold_connections, write_noise):
        threading.Thread(target=kind, args=(sys.argv[1],)).start()


if __name__ == "__main__":
    main()

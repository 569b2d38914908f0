"""Triton's HTTP interface, as far as `fer-server` asks the server that it runs."""

import http.client
import json
import math
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fer_server.ports import UNIX, Endpoint

_TIMEOUT_S = 5.0
_BYTES = {
    "BOOL": 1,
    "UINT8": 1,
    "INT8": 1,
    "UINT16": 2,
    "INT16": 2,
    "FP16": 2,
    "BF16": 2,
    "UINT32": 4,
    "INT32": 4,
}
_BYTES |= {"FP32": 4, "BYTES": 4, "UINT64": 8, "INT64": 8, "FP64": 8}
"""Of one element; an empty text is its length, four bytes."""


@dataclass(frozen=True)
class Answer:
    """Status code and body of an answer."""

    status: int
    body: bytes

    @property
    def is_good(self) -> bool:
        """Whether the server did what it was asked."""
        return self.status == http.client.OK

    @property
    def error(self) -> str:
        """What Triton says went wrong."""
        try:
            return str(json.loads(self.body)["error"])
        except (ValueError, TypeError, KeyError):
            return f"status {self.status}"


@dataclass(frozen=True)
class Probe:
    """The smallest request that a model can be asked: a batch of one, all zeros."""

    model: str
    header: bytes
    data: bytes


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a socket in the file system."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.host)


def _connection(endpoint: Endpoint, timeout_s: float) -> http.client.HTTPConnection:
    if endpoint.address.startswith(UNIX):
        return _UnixConnection(endpoint.address.removeprefix(UNIX), endpoint.port, timeout=timeout_s)
    return http.client.HTTPConnection(str(endpoint), timeout=timeout_s)


def send(
    endpoint: Endpoint,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    timeout_s: float = _TIMEOUT_S,
) -> Answer | None:
    """Send one request; give the answer, None where none comes within `timeout_s` of silence."""
    connection = _connection(endpoint, timeout_s)
    try:
        connection.request(method, path, body or None, dict(headers or {}))
        answer = connection.getresponse()
        return Answer(answer.status, answer.read())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def request(endpoint: Endpoint, method: str, path: str) -> Any:
    """Send one request; give the answer's JSON, an empty mapping for an empty answer, None for no or a bad answer."""
    answer = send(endpoint, method, path)
    if answer is None or not answer.is_good:
        return None
    try:
        return json.loads(answer.body or b"{}")
    except ValueError:
        return None


def is_ready(endpoint: Endpoint, server_id: str) -> bool:
    """Ask the server at the endpoint whether it has this name and all its models are ready."""
    metadata = request(endpoint, "GET", "/v2")
    return (
        bool(metadata)
        and metadata["name"] == server_id
        and request(endpoint, "GET", "/v2/health/ready") is not None
    )


def served_models(endpoint: Endpoint) -> dict[str, str]:
    """List the ready models with their versions; of several versions the newest."""
    ready = [(entry["name"], entry["version"]) for entry in _statistics(endpoint)]
    return dict(sorted(ready, key=lambda model: (model[0], int(model[1]))))


def answered_requests(endpoint: Endpoint, model: str) -> int:
    """Count the requests that a model has answered so far; 0 where the server does not say."""
    entries = [entry for entry in _statistics(endpoint) if entry["name"] == model]
    return sum(int(entry["inference_stats"]["success"]["count"]) for entry in entries)


def _statistics(endpoint: Endpoint) -> list[Any]:
    statistics = request(endpoint, "GET", "/v2/models/stats") or {}
    return list(statistics.get("model_stats", []))


def probe_of(endpoint: Endpoint, model: str) -> Probe | None:
    """Make a model's smallest request from its metadata, each open dimension 1.

    None for an ensemble, which computes nothing itself, and where there is no such model.
    """
    metadata = request(endpoint, "GET", f"/v2/models/{model}")
    if not metadata or metadata.get("platform") == "ensemble":
        return None
    inputs, data = [], b""
    for tensor in metadata["inputs"]:
        shape = [max(1, int(size)) for size in tensor["shape"]]
        size = math.prod(shape) * _BYTES.get(tensor["datatype"], 1)
        inputs.append(
            {
                "name": tensor["name"],
                "datatype": tensor["datatype"],
                "shape": shape,
                "parameters": {"binary_data_size": size},
            }
        )
        data += bytes(size)
    header = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}})
    return Probe(model, header.encode(), data)


def ask(endpoint: Endpoint, probe: Probe, timeout_s: float) -> Answer | None:
    """Ask a model for an answer; None where none comes in time."""
    headers = {"Inference-Header-Content-Length": str(len(probe.header))}
    path = f"/v2/models/{probe.model}/infer"
    return send(endpoint, "POST", path, probe.header + probe.data, headers, timeout_s)

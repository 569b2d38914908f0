"""How gRPC reaches a server: past proxies on this machine, and again where the server is busy."""

import ipaddress
import json
import os
from typing import Any

_RETRY_BUSY = {
    "methodConfig": [
        {
            "name": [{"service": "inference.GRPCInferenceService", "method": "ModelInfer"}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.5s",
                "maxBackoff": "8s",
                "backoffMultiplier": 3,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
"""A full queue answers UNAVAILABLE; gRPC itself repeats such a call within its deadline, over about fifteen seconds.
That is longer than a request may wait in a queue. It allows no more attempts than five."""

_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")
_EXEMPTIONS = ("no_grpc_proxy", "no_proxy")
"""The variables that gRPC reads, the first that is set winning:
https://grpc.github.io/grpc/core/md_doc_environment_variables.html"""


def channel_options(url: str) -> list[tuple[str, Any]]:
    """Give the options of a channel to HOST:PORT."""
    return [
        ("grpc.service_config", json.dumps(_RETRY_BUSY)),
        # gRPC repeats no call that is larger than this, 256 KiB by default: 28 crops of 96×96.
        ("grpc.per_rpc_retry_buffer_size", 2**31 - 1),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_receive_message_length", -1),
        ("grpc.primary_user_agent", "fer-client"),
        # Without this gRPC asks a proxy even for this machine, where none can help.
        ("grpc.enable_http_proxy", int(not is_loopback(url))),
    ]


def host_of(url: str) -> str:
    """Give the host of HOST:PORT, an IPv6 address without its brackets."""
    return url.rpartition(":")[0].strip("[]").lower()


def is_loopback(url: str) -> bool:
    """Whether HOST:PORT is on this machine by its very address: localhost, 127.0.0.0/8 or ::1."""
    try:
        return ipaddress.ip_address(host_of(url)).is_loopback
    except ValueError:
        return host_of(url) == "localhost"


def proxy_variable(url: str) -> str | None:
    """Name the variable whose proxy gRPC asks for HOST:PORT; None where it goes there directly."""
    exempt = next((os.environ[name] for name in _EXEMPTIONS if os.environ.get(name)), "")
    suffixes = tuple(word.strip().lower() for word in exempt.split(",") if word.strip())
    if is_loopback(url) or host_of(url).endswith(suffixes):
        return None
    return next((name for name in _PROXIES if os.environ.get(name)), None)

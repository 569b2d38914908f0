"""How gRPC reaches servers: encrypted where that is asked for, in turn, past proxies on this machine, and again."""

import json
import os
from typing import Any

import grpc
import tritonclient.grpc as triton

from fer_client.inference.access import Access
from fer_client.inference.addresses import addresses_of, host_of, is_encrypted, is_loopback, target_of

_RETRY_BUSY = {
    "methodConfig": [
        {
            "name": [{"service": "inference.GRPCInferenceService", "method": "ModelInfer"}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.2s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
"""A full queue answers UNAVAILABLE; gRPC itself repeats such a call within its deadline, over about three seconds.
It allows no more attempts than five. A server that has gone answers so too, and is waited for by
`fer_client.inference.delivery`, which should hear of it soon."""

_IN_TURN: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}

_LEAST_PATIENCE_S = 2.0
"""A busy machine may take a while to answer a ping."""

_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")
_EXEMPTIONS = ("no_grpc_proxy", "no_proxy")
"""The variables that gRPC reads, the first that is set winning:
https://grpc.github.io/grpc/core/md_doc_environment_variables.html"""


def connect(url: str, access: Access, timeout_s: float) -> triton.InferenceServerClient:
    """Make a client, which sends nothing yet; each of its calls carries the headers of `access`.

    Raises ServerLostError where none of several names can be looked up.
    """
    options = channel_options(url, access, timeout_s)
    client = triton.InferenceServerClient(
        target_of(url), creds=_credentials(url, access), channel_args=options
    )
    if access.headers:
        client.register_plugin(_Headers(access))
    return client


def open_channel(url: str, access: Access, timeout_s: float) -> grpc.Channel:
    """Open a channel for calls of gRPC's own, without headers; gRPC lets it share the connection of `connect`."""
    options = channel_options(url, access, timeout_s)
    credentials = _credentials(url, access)
    if credentials is None:
        return grpc.insecure_channel(target_of(url), options)
    return grpc.secure_channel(target_of(url), credentials, options)


def _credentials(url: str, access: Access) -> Any:
    if not is_encrypted(url):
        return None
    return grpc.ssl_channel_credentials(
        access.root_certificates, access.private_key, access.certificate_chain
    )


class _Headers(triton.InferenceServerClientPlugin):  # type: ignore[misc]
    def __init__(self, access: Access) -> None:
        self._headers = dict(access.headers)

    def __call__(self, request: Any) -> None:
        request.headers = {**(request.headers or {}), **self._headers}


def channel_options(url: str, access: Access, timeout_s: float) -> list[tuple[str, Any]]:
    """Give the options of a channel whose requests have a deadline of `timeout_s` seconds."""
    # One server of this machine has several addresses, those of `localhost`, which are not asked in turn.
    is_shared = len(addresses_of(url)) > 1 or not is_loopback(url)
    patience_s = max(_LEAST_PATIENCE_S, timeout_s / 4)
    options = [
        ("grpc.service_config", json.dumps(_RETRY_BUSY | (_IN_TURN if is_shared else {}))),
        # gRPC repeats no call that is larger than this, 256 KiB by default: 28 crops of 96×96.
        ("grpc.per_rpc_retry_buffer_size", 2**31 - 1),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_receive_message_length", -1),
        ("grpc.primary_user_agent", "fer-client"),
        # Without this gRPC asks a proxy even for this machine, where none can help.
        ("grpc.enable_http_proxy", int(not is_loopback(url))),
        # A connection that is dead without a word is given up before the deadline, so that its requests are sent
        # again. At most two pings a request: more without data between make a Triton with default options hang up.
        ("grpc.keepalive_time_ms", _milliseconds(timeout_s / 2)),
        ("grpc.keepalive_timeout_ms", _milliseconds(patience_s)),
        (
            "grpc.http2.ping_timeout_ms",
            _milliseconds(patience_s),
        ),  # of gRPC's other pings, which keep back that one
    ]
    if is_encrypted(url):
        options.append(("grpc.default_authority", access.server_name or host_of(url)))
    return options


def _milliseconds(time_s: float) -> int:
    return max(1, round(1000 * time_s))


def proxy_variable(url: str) -> str | None:
    """Name the variable whose proxy gRPC asks for HOST:PORT; None where it goes there directly."""
    exempt = next((os.environ[name] for name in _EXEMPTIONS if os.environ.get(name)), "")
    suffixes = tuple(word.strip().lower() for word in exempt.split(",") if word.strip())
    if is_loopback(url) or host_of(url).endswith(suffixes):
        return None
    return next((name for name in _PROXIES if os.environ.get(name)), None)

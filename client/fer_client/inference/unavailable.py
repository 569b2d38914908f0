"""Why a server cannot be reached, from what gRPC says of it: one sentence with what to do."""

import re

from fer_client.errors import FerError, NoServerError, ServerError, ServerLostError
from fer_client.inference.access import (
    CERTIFICATE_VARIABLE,
    HEADERS_VARIABLE,
    KEY_VARIABLE,
    NAME_VARIABLE,
    ROOTS_VARIABLE,
    TOKEN_VARIABLE,
)
from fer_client.inference.addresses import TLS_SCHEME, addresses_of, host_of, is_encrypted
from fer_client.inference.channel import proxy_variable

_BUSY = ("maximum queue size", "timeout expired")
"""A full queue refuses a request, or the request waited in it for longer than it may."""

_RESTRICTED = re.compile(r"restricted, expecting header '([^']+)'")


def explain_refusal(url: str, message: str) -> FerError:
    """Say what a server wants that knows its callers and does not know this one."""
    return ServerError(
        f"The server at {url} does not let this client in ({message}). Set {TOKEN_VARIABLE}, or {HEADERS_VARIABLE}, "
        "in the environment to what it asks for."
    )


def explain_unavailable(url: str, message: str) -> FerError:
    """Tell a server that is busy, or asks for a header, from one that is not there; the latter may come back."""
    if any(reason in message for reason in _BUSY):
        return ServerError(
            f"The server at {url} is busy: its queue was full at every attempt ({message}). Try again later, "
            "lower --in-flight, or raise max_queue_size in the configuration of its models."
        )
    if header := _RESTRICTED.search(message):
        return ServerError(
            f"The server at {url} asks its callers for the header {header[1]}, which is missing or has another value. "
            f"Set {HEADERS_VARIABLE}={header[1]}=VALUE in the environment."
        )
    if why := _why_not_there(url, message):
        return ServerLostError(why)
    return NoServerError(
        f"No Triton server can be reached at {url}: nobody answers there ({message}). Check the address, or start one "
        "there with `fer-server`."
    )


def _why_not_there(url: str, message: str) -> str | None:
    if variable := proxy_variable(url):
        return (
            f"No Triton server can be reached at {url} by the proxy that {variable} names ({message}). "
            f"Set no_proxy={host_of(url)} to go there directly, or check the address."
        )
    if is_encrypted(url) and (advice := _tls_advice(message)):
        return f"No connection with TLS to {url} ({message}). {advice}"
    if not is_encrypted(url) and "Socket closed" in message:
        return (
            f"The server at {url} closed the connection ({message}). If it speaks TLS, name it as "
            f"{TLS_SCHEME}{','.join(addresses_of(url))}; else look at its log."
        )
    return None


def _tls_advice(message: str) -> str | None:
    if "CERTIFICATE_VERIFY_FAILED" in message:
        return (
            f"{ROOTS_VARIABLE} must name the PEM file of the authority that signed the server's certificate."
        )
    if "WRONG_VERSION_NUMBER" in message:
        return f"What answers there speaks no TLS: check the port, or leave out {TLS_SCHEME}."
    if "peer certificate" in message.lower() or "hostname" in message.lower():
        return f"The server's certificate is for another name: connect by that, or set {NAME_VARIABLE} to it."
    if "security handshaker" in message:
        return f"{CERTIFICATE_VARIABLE}, {KEY_VARIABLE} and {ROOTS_VARIABLE} must be PEM files that belong together."
    if "Socket closed" in message or "handshake" in message.lower():
        return (
            f"If it asks its callers for a certificate, {CERTIFICATE_VARIABLE} and {KEY_VARIABLE} must name one that "
            "it trusts; else look at its log."
        )
    return None

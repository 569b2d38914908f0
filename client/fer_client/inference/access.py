"""What a server asks of its callers: certificates, a token, headers. All of it comes from the environment.

A command line can be read by every user of a machine, and is kept by shells; so no option takes a secret.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from fer_client.errors import UsageError

ROOTS_VARIABLE = "FER_TRITON_CA"
CERTIFICATE_VARIABLE = "FER_TRITON_CERT"
KEY_VARIABLE = "FER_TRITON_KEY"
NAME_VARIABLE = "FER_TRITON_SERVER_NAME"
TOKEN_VARIABLE = "FER_TRITON_TOKEN"
HEADERS_VARIABLE = "FER_TRITON_HEADERS"
VARIABLES = (
    ROOTS_VARIABLE,
    CERTIFICATE_VARIABLE,
    KEY_VARIABLE,
    NAME_VARIABLE,
    TOKEN_VARIABLE,
    HEADERS_VARIABLE,
)

_PEM = b"-----BEGIN "
_HEADER_NAME = re.compile(r"[a-z0-9_.-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]+")


@dataclass(frozen=True)
class Access:
    """PEM files' contents, the name that the server's certificate must have, and headers of every call.

    None of it is shown, in whatever is printed of an Access.
    """

    root_certificates: bytes | None = field(default=None, repr=False)
    certificate_chain: bytes | None = field(default=None, repr=False)
    private_key: bytes | None = field(default=None, repr=False)
    server_name: str | None = field(default=None, repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def read_access(environ: Mapping[str, str] = os.environ) -> Access:
    """Read the variables. Raises UsageError for a file that cannot be read, or a value that cannot be sent."""
    chain, key = environ.get(CERTIFICATE_VARIABLE), environ.get(KEY_VARIABLE)
    if bool(chain) != bool(key):
        missing = KEY_VARIABLE if chain else CERTIFICATE_VARIABLE
        raise UsageError(
            f"A client certificate needs its key: expected {CERTIFICATE_VARIABLE} and {KEY_VARIABLE}, but "
            f"{missing} is not set."
        )
    token = environ.get(TOKEN_VARIABLE)
    bearer = [_header("authorization", f"Bearer {token.strip()}", TOKEN_VARIABLE)] if token else []
    return Access(
        _pem(environ, ROOTS_VARIABLE),
        _pem(environ, CERTIFICATE_VARIABLE),
        _pem(environ, KEY_VARIABLE),
        environ.get(NAME_VARIABLE) or None,
        (*bearer, *_headers(environ.get(HEADERS_VARIABLE, ""))),
    )


def set_variables(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Name the variables that have a value."""
    return [name for name in VARIABLES if environ.get(name)]


def _pem(environ: Mapping[str, str], variable: str) -> bytes | None:
    path = environ.get(variable)
    if not path:
        return None
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{variable} names {path}, which cannot be read: {error.strerror}.") from error
    if _PEM not in data:
        raise UsageError(
            f"{variable} names {path}, which is no PEM file: expected a line that begins with {_PEM.decode()}."
        )
    return data


def _headers(text: str) -> list[tuple[str, str]]:
    """Read name=value,name=value with percent-encoded values, as OpenTelemetry's OTEL_EXPORTER_OTLP_HEADERS."""
    headers = []
    for number, pair in enumerate(filter(None, (part.strip() for part in text.split(","))), start=1):
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(
                f"{HEADERS_VARIABLE} must hold headers as name=value,name=value, but the {number}. has no =."
            )
        headers.append(_header(name.strip().lower(), unquote(value.strip()), HEADERS_VARIABLE))
    return headers


def _header(name: str, value: str, variable: str) -> tuple[str, str]:
    """Check what gRPC sends: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md."""
    if not _HEADER_NAME.fullmatch(name) or name.endswith("-bin"):
        raise UsageError(
            f"{variable}: a header's name has a to z, 0 to 9, _, - and . and does not end in -bin, unlike '{name}'."
        )
    if not _HEADER_VALUE.fullmatch(value):
        raise UsageError(
            f"{variable}: the value of the header '{name}' must be printable ASCII and not empty, but is not."
        )
    return name, value

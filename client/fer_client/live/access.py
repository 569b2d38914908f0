"""Who may watch: pages that this server sent, asked for by a name that is this machine's own."""

import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from fer_client.inference.addresses import is_loopback_host


def is_own_host(header: str, bound: str) -> bool:
    """Whether the header `Host` names this machine: by an address, as localhost, or by the name it has or was given.

    Another name that leads here is of a site that wants its pages to pass for ours (DNS rebinding). A server that is
    `bound` to loopback is asked for there alone.
    """
    host = _host(header)
    if host is None:
        return False
    if is_loopback_host(bound):
        return is_loopback_host(host)
    own = socket.gethostname().lower()
    return _is_address(host) or host in {"localhost", bound.lower(), own, f"{own}.local"}


def is_same_origin(headers: Mapping[str, str]) -> bool:
    """Whether a request comes from a page of this server: browsers state a page's origin, and no page can change it."""
    origin = headers.get("origin", "")
    return bool(origin) and origin == f"http://{headers.get('host', '')}"


def _host(header: str) -> str | None:
    try:
        return urlsplit(f"//{header}").hostname
    except ValueError:
        return None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

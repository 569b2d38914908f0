"""Where servers are: HOST:PORT in the clear, grpcs://HOST:PORT with TLS, grpcs://HOST:PORT,HOST:PORT for several."""

import ipaddress
import socket

from fer_client.errors import ServerLostError, UsageError

TLS_SCHEME = "grpcs://"


def check_url(url: str) -> str:
    """Return the URL. Raises UsageError unless it has the form that this module takes."""
    for address in addresses_of(url):
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit() or set("/@ ") & set(address):
            raise UsageError(
                "Expected a server as HOST:PORT of its gRPC endpoint, such as localhost:8001, or with TLS as "
                f"{TLS_SCHEME}HOST:PORT, or several as HOST:PORT,HOST:PORT, but got '{url}'."
            )
    return url


def is_encrypted(url: str) -> bool:
    """Whether what is sent there is encrypted."""
    return url.startswith(TLS_SCHEME)


def addresses_of(url: str) -> list[str]:
    """Give each HOST:PORT."""
    return url.removeprefix(TLS_SCHEME).split(",")


def split_url(url: str) -> list[str]:
    """Give a URL for each address."""
    scheme = TLS_SCHEME if is_encrypted(url) else ""
    return [f"{scheme}{address}" for address in addresses_of(url)]


def host_of(url: str) -> str:
    """Give the host of the first address, an IPv6 address without its brackets."""
    return addresses_of(url)[0].rpartition(":")[0].strip("[]").lower()


def is_loopback(url: str) -> bool:
    """Whether all are on this machine by their very addresses: localhost, 127.0.0.0/8 or ::1."""
    return all(is_loopback_host(host_of(one)) for one in split_url(url))


def is_loopback_host(host: str) -> bool:
    """Whether a name or an address is this machine by itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def target_of(url: str) -> str:
    """Give what gRPC connects to: one name, which it looks up itself and again later, or a list of IP addresses.

    Of several names the addresses are looked up here, since gRPC takes a list of addresses alone. Raises
    ServerLostError where none has any.
    """
    addresses = addresses_of(url)
    if len(addresses) == 1:
        return addresses[0]
    found = [place for address in addresses for place in _looked_up(address)]
    if not found:
        raise ServerLostError(
            f"None of the servers' names in {url} can be looked up. Check them, and the name service in use."
        )
    # One list holds one family; an IPv4 address has a form as an IPv6 one.
    if all(family == socket.AF_INET for family, _, _ in found):
        return "ipv4:" + ",".join(f"{ip}:{port}" for _, ip, port in found)
    mapped = [(f"::ffff:{ip}" if family == socket.AF_INET else ip, port) for family, ip, port in found]
    return "ipv6:" + ",".join(f"[{ip}]:{port}" for ip, port in mapped)


def _looked_up(address: str) -> list[tuple[int, str, int]]:
    host, _, port = address.rpartition(":")
    try:
        places = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [(family, str(place[0]), int(port)) for family, _, _, _, place in places]

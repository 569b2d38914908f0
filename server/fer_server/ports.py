"""Network addresses of the server: read from the options, checked or chosen before it starts.

Triton reports its models as ready before it finds out that a port is taken, so the check comes first.
"""

import errno
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from fer_server.errors import ServerError, UsageError
from fer_server.leftovers import own_folder

LOOPBACK = "127.0.0.1"
UNIX = "unix:"
"""What an address starts with that is a socket in the file system; its port means nothing."""
DEFAULT_PORTS: Mapping[str, int] = {"grpc": 8001, "http": 8000, "metrics": 8002}
"""Triton's services and their usual ports."""


@dataclass(frozen=True)
class Endpoint:
    """Where one service listens."""

    service: str
    address: str
    port: int
    shared: bool = False

    def __str__(self) -> str:
        """Give `host:port` as a client on this machine would use it."""
        return self._at({"0.0.0.0": LOOPBACK, "::": "::1"}.get(self.address, self.address))

    def listening(self) -> str:
        """Give what it listens on, for people: others reach a server that listens on every address."""
        is_open = self.address in ("0.0.0.0", "::")
        return self._at(self.address) + (" (every address of this machine)" if is_open else "")

    def _at(self, host: str) -> str:
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


def values(arguments: Sequence[str], name: str) -> list[str]:
    """Find an option's values among tritonserver's arguments, written `--name=value` or `--name value`."""
    found = []
    for index, argument in enumerate(arguments):
        if argument.startswith(f"{name}="):
            found.append(argument.partition("=")[2])
        elif argument == name and index + 1 < len(arguments):
            found.append(arguments[index + 1])
    return found


def option(arguments: Sequence[str], name: str) -> str | None:
    """Find an option's value among tritonserver's arguments; the last wins."""
    return next(reversed(values(arguments, name)), None)


def is_on(arguments: Sequence[str], name: str, default: bool) -> bool:
    """Read a switch as Triton does: true, True or 1."""
    value = option(arguments, name)
    return default if value is None else value in ("true", "True", "1")


def endpoints(arguments: Sequence[str], auto: bool) -> dict[str, Endpoint]:
    """Give the services that are to listen, with their addresses: gRPC, and those that the arguments ask for.

    With `auto`, services whose port is not given get a free one; raises UsageError for a port that is no number.
    """
    services = [
        name for name in DEFAULT_PORTS if is_on(arguments, f"--allow-{name}", _is_asked_for(arguments, name))
    ]
    addresses = {name: option(arguments, f"--{name}-address") or LOOPBACK for name in services}
    given = {name: _port(arguments, name) for name in services}
    chosen = free_ports([addresses[name] for name in services if given[name] is None]) if auto else []
    ports = {name: given[name] or (chosen.pop(0) if auto else DEFAULT_PORTS[name]) for name in services}
    return {
        name: Endpoint(name, addresses[name], ports[name], is_on(arguments, f"--reuse-{name}-port", False))
        for name in services
    }


def _is_asked_for(arguments: Sequence[str], service: str) -> bool:
    """Whether a service listens that no switch names. One request can end Triton's HTTP service, and the server too."""
    return service == "grpc" or any(values(arguments, f"--{service}-{word}") for word in ("port", "address"))


@contextmanager
def control(served: Mapping[str, Endpoint]) -> Iterator[Endpoint]:
    """Give the HTTP service that fer-server asks how the server is: the one served, else one for this user alone.

    That one is a socket in a folder that nobody else can open. Its path must be short, so it is not below TMPDIR.
    """
    if "http" in served:
        yield served["http"]
        return
    with own_folder(Path("/tmp")) as folder:
        yield Endpoint("http", f"{UNIX}{folder}/http", DEFAULT_PORTS["http"])


def _port(arguments: Sequence[str], service: str) -> int | None:
    text = option(arguments, f"--{service}-port")
    if text is None:
        return None
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise UsageError(f"--{service}-port must be a number from 1 to 65535, not '{text}'.")
    return int(text)


def free_ports(addresses: Iterable[str]) -> list[int]:
    """Let the system choose one free port for each address, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(_listen(address, 0)) for address in addresses]
        return [int(listener.getsockname()[1]) for listener in sockets]


def check_free(services: Iterable[Endpoint]) -> None:
    """Raise ServerError for the first port that cannot be opened; a port that Triton is told to share is left out."""
    for endpoint in services:
        if endpoint.shared:
            continue
        try:
            _listen(endpoint.address, endpoint.port).close()
        except OSError as error:
            raise ServerError(_refusal(endpoint, error)) from None


def make_free(endpoint: Endpoint) -> None:
    """Remove the socket in the file system that a server before has left at this address."""
    if endpoint.address.startswith(UNIX):
        Path(endpoint.address.removeprefix(UNIX)).unlink(missing_ok=True)


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family)
    try:
        # As Triton itself does: connections of a former server that are still closing do not matter.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _refusal(endpoint: Endpoint, error: OSError) -> str:
    where = f"{endpoint.service} at {endpoint.address}:{endpoint.port}"
    if error.errno == errno.EADDRINUSE:
        return (
            f"Cannot serve {where}: the port is in use; stop the program that has it, "
            f"or choose another with --{endpoint.service}-port N or --auto-ports."
        )
    options = f"--{endpoint.service}-address or --{endpoint.service}-port"
    return f"Cannot serve {where}: {error.strerror}; choose another {options}."

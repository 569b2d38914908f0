"""A web server in a thread of its own, so that the analysis keeps the main one, where signals arrive."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import uvicorn
from starlette.applications import Starlette

from fer_client.errors import UsageError

_LARGEST_MESSAGE = 4096
"""Bytes that a page may send at once."""

_FAREWELL_S = 2


def listen(host: str, port: int) -> socket.socket:
    """Take a port, any free one for 0. Raises UsageError where that cannot be."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise UsageError(
            f"The page cannot be served at {host}:{port}: {_reason(error)}. Choose another --port, 0 for any "
            "that is free, or another --host."
        ) from error


def address(listener: socket.socket, host: str) -> str:
    """Return the address of the page."""
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}/"


@contextmanager
def served(app: Starlette, listener: socket.socket) -> Iterator[None]:
    """Serve the application for the length of the block."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        ws="websockets-sansio",
        ws_max_size=_LARGEST_MESSAGE,
        ws_per_message_deflate=False,  # JPEGs are compressed
        server_header=False,
        timeout_graceful_shutdown=_FAREWELL_S,
    )
    server = uvicorn.Server(config)
    with closing(listener):
        thread = threading.Thread(target=server.run, args=([listener],), name="pages", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.should_exit = True
            thread.join()


def _reason(error: OSError) -> str:
    """Name the system's reason; Python adds the address to that of a port."""
    number = error.errno or 0
    return os.strerror(number) if number > 0 else str(error.strerror or error)

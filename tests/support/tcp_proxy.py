"""A TCP proxy on this machine that spoils what passes, as networks do."""

import contextlib
import random
import socket
import struct
import threading
import time
from types import TracebackType


class TcpProxy:
    """A context manager between a client and `HOST:PORT`; `url` is its own address. Set attributes to misbehave.

    `refuses`: connections are closed as they come. `swallows`: nothing passes any more, and nothing is closed.
    `delay_s`: what comes from the server waits so long. `garbles`: the share of its bytes that are replaced, from
    the seed. `reset` breaks all connections at once. `sent` counts bytes from clients, `target` may change.
    """

    def __init__(self, target: str, seed: int = 0) -> None:
        self.target = target
        self.refuses = self.swallows = False
        self.delay_s = self.garbles = 0.0
        self.connections = self.sent = 0
        self._rng = random.Random(seed)
        self._open: list[socket.socket] = []
        self._ends = threading.Event()

    def __enter__(self) -> "TcpProxy":
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.reset()

    def reset(self) -> None:
        """Break every connection with RST."""
        while self._open:
            _reset(self._open.pop())

    def _accept(self) -> None:
        while not self._ends.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                if self.refuses:
                    raise ConnectionRefusedError
                host, _, port = self.target.rpartition(":")
                server = socket.create_connection((host, int(port)))
            except OSError:
                _reset(client)
                continue
            self._open += [client, server]
            for source, sink, is_answer in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pass, args=(source, sink, is_answer), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, is_answer: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                while self.swallows and not self._ends.is_set():
                    self._ends.wait(0.05)
                if not is_answer:
                    self.sent += len(data)
                else:
                    time.sleep(self.delay_s)
                    data = self._garbled(data)
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _garbled(self, data: bytes) -> bytes:
        if not self.garbles:
            return data
        return bytes(self._rng.randrange(256) if self._rng.random() < self.garbles else byte for byte in data)


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)
    end.close()

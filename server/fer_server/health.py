"""Whether a server that says it is ready also answers.

A Python stub that died or stalled leaves Triton ready, while requests fail. So each model is asked for an answer, at
intervals; and a stub that ends is noticed at once.
"""

import contextlib
import os
import select
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fer_server import http_api
from fer_server.errors import ServerError
from fer_server.http_api import Probe
from fer_server.ports import Endpoint

_PATIENCE_S = 30.0
"""How long an answer may take while the model answers nobody else either."""

_STRIKES = 2
"""Of silence or failure in a row. One may be a pause of the whole machine, from which the server comes back."""

_BROKEN = "is not healthy"
"""What Triton says of a stub that it has given up; it never takes it back."""


@dataclass
class Health:
    """Asks the server at `endpoint` for answers, in a thread of its own, until the context ends.

    `stubs` are the processes that must not end. A model that has never answered a
    request of zeros is not judged by its silence.
    """

    endpoint: Endpoint
    interval_s: float
    models: Sequence[str]
    stubs: Sequence[int] = ()
    _illness: str | None = field(default=None, init=False)
    _ended: threading.Event = field(default_factory=threading.Event, init=False)
    _answered: dict[str, int] = field(default_factory=dict, init=False)
    _able: set[str] = field(default_factory=set, init=False)
    _strikes: Counter[str] = field(default_factory=Counter, init=False)

    @contextmanager
    def watched(self) -> "Iterator[Health]":
        """Watch over the server in the block. An interval of 0 asks for no answers."""
        with contextlib.ExitStack() as stack:
            self._stubs = [stack.enter_context(_pidfd(pid)) for pid in self.stubs]
            if self.interval_s:
                _start(threading.Thread(target=self._ask_again_and_again, daemon=True))
            stack.callback(self._ended.set)
            yield self

    def illness(self) -> str | None:
        """Say why the server can be used no longer; None while nothing is wrong."""
        descriptors = [descriptor for descriptor in self._stubs if descriptor is not None]
        ended = select.select(descriptors, [], [], 0)[0]
        if ended or len(descriptors) < len(self._stubs):
            return "one of its model processes has died"
        return self._illness

    def _ask_again_and_again(self) -> None:
        probes = [probe for model in self.models if (probe := http_api.probe_of(self.endpoint, model))]
        while not self._illness and not self._ended.wait(self.interval_s):
            for probe in probes:
                self._illness = self._illness or self._ask(probe)

    def _ask(self, probe: Probe) -> str | None:
        """Ask once; say what is wrong, if anything is."""
        answer = http_api.ask(self.endpoint, probe, _PATIENCE_S)
        if answer and _BROKEN in answer.error:
            return answer.error
        if answer and answer.is_good:
            self._able.add(probe.model)
        if probe.model not in self._able:
            return None
        model, before = probe.model, self._answered.get(probe.model, 0)
        self._answered[model] = http_api.answered_requests(self.endpoint, model)
        # One that others keep busy answers them.
        if (answer and answer.status < 500) or self._answered[model] > before:
            self._strikes[model] = 0
            return None
        self._strikes[model] += 1
        if self._strikes[model] < _STRIKES:
            return None
        return answer.error if answer else f"no answer of the model '{model}' within {_PATIENCE_S:g} s"


def _start(thread: threading.Thread) -> None:
    try:
        thread.start()
    except RuntimeError as error:
        raise ServerError(
            f"The server cannot be watched over: {error}; it may lack memory or processes."
        ) from None


@contextmanager
def _pidfd(pid: int) -> Iterator[int | None]:
    """Give a descriptor that can be read once the process has ended; None where it has already."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def stub_processes(pid: int) -> list[int]:
    """List the children of a process: tritonserver has no others than its stubs."""
    children: list[int] = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            children += map(int, thread.read_text().split())
    return children

"""Crops to the server and answers back, also where the server goes away and comes back in between."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fer_client.contract import Contract
from fer_client.errors import ContractError, FerError, ServerError, ServerLostError
from fer_client.inference.client import InferenceClient, Predictions

_GRACE_S = 5.0
"""Beyond the deadline that gRPC keeps by itself: an answer that it cannot even read never ends its call."""

_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 2.0
_MOST_RESTARTS = 3
"""Of an embedded server in one run: one that ends again and again has a cause that a restart does not mend."""


class Waiter(Protocol):
    """Waits for a future's result until `until_s` of `time.monotonic`, or raises TimeoutError or Interrupted."""

    def __call__(self, future: "Future[Predictions]", until_s: float) -> Predictions:
        """Wait."""
        ...


def _wait(future: "Future[Predictions]", until_s: float) -> Predictions:
    return future.result(max(0.0, until_s - time.monotonic()))


@dataclass(frozen=True)
class Pending:
    """Crops that were sent, uint8 [N, H, W, C], their answer to come, and when waiting for it ends."""

    crops: NDArray[np.uint8]
    answer: "Future[Predictions]"
    until_s: float


@dataclass
class Delivery:
    """Sends crops to one server, and again what it has not answered when it went away.

    For `patience_s` seconds it waits for a server that is gone. One that was started for this job `restart` starts
    again, and gives its address. `wait` waits for an answer, `pause` for so many seconds; both may raise Interrupted.
    `notify` takes sentences for the user.
    """

    client: InferenceClient
    contract: Contract
    restart: Callable[[], str] | None = None
    patience_s: float = 0.0
    wait: Waiter = _wait
    pause: Callable[[float], None] = time.sleep
    notify: Callable[[str], None] = lambda _: None
    _restarts: int = field(default=0, init=False)
    _is_told: bool = field(default=False, init=False)
    _obstacle: FerError | None = field(default=None, init=False)
    """Why the server served nothing when it was last asked."""

    def submit(self, crops: NDArray[np.uint8]) -> Pending:
        """Send crops, at most the contract's maximum batch of them; return at once."""
        until_s = time.monotonic() + self.client.timeout_s + _GRACE_S
        return Pending(crops, self.client.submit(crops, self.contract), until_s)

    def receive(self, pending: Pending) -> Predictions:
        """Wait for an answer. Raises ServerError, and ContractError where what comes back serves something else."""
        until_s, pause_s = None, _FIRST_PAUSE_S
        while True:
            try:
                predictions = self._answer(pending)
            except (ServerLostError, ContractError) as error:
                now_s = time.monotonic()
                is_first, until_s = until_s is None, until_s or now_s + self.patience_s
                pause_s = self._recover(error, is_first, until_s, pause_s)
                pending = self.submit(pending.crops)
            else:
                self._tell_return()
                return predictions

    def confirm(self) -> None:
        """Raise ContractError where another network serves by now, as gRPC itself may have connected anew meanwhile.

        A server that is gone after its last answer is no matter.
        """
        self._serves()

    def _answer(self, pending: Pending) -> Predictions:
        try:
            return self.wait(pending.answer, pending.until_s)
        except TimeoutError:
            raise ServerError(
                f"The server at {self.client.url} gave no answer that can be read within the deadline of "
                f"{self.client.timeout_s:g} s. Check what stands between it and this machine, or raise --timeout."
            ) from None

    def _recover(self, error: FerError, is_first: bool, until_s: float, pause_s: float) -> float:
        """Return once the server serves the same again, with the next pause; raise `error` when patience ends."""
        if is_first and self._serves():  # one connection that broke
            return pause_s
        if self.restart is not None:
            self._restart(error)
            return pause_s
        while True:
            if time.monotonic() >= until_s:
                raise self._obstacle or error
            self._tell_loss()
            self.pause(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            if self._serves():
                return pause_s

    def _serves(self) -> bool:
        """Whether a server answers; ContractError where it serves another network than before."""
        try:
            contract = self.client.read_contract()
        except (ServerError, ContractError) as error:
            self._obstacle = error
            return False
        if not contract.is_same_network(self.contract):
            raise ContractError(
                f"The server at {self.client.url} came back with another network than the one that this run began "
                "with, so the result would mix two. Give the same command again to begin anew."
            )
        return True

    def _restart(self, error: FerError) -> None:
        if self.restart is None or self._restarts == _MOST_RESTARTS:
            raise error
        self._tell_loss()
        self._restarts += 1
        self.client.move_to(self.restart())
        if not self._serves():
            raise error

    def _tell_loss(self) -> None:
        if not self._is_told:
            embedded = "starting it again"
            remote = f"waiting up to {self.patience_s:g} s for it to come back"
            what_now = remote if self.restart is None else embedded
            self.notify(f"The server at {self.client.url} has gone; {what_now}.")
        self._is_told = True

    def _tell_return(self) -> None:
        if self._is_told:
            self.notify(f"The server at {self.client.url} answers again; nothing is lost.")
        self._is_told = False

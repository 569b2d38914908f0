"""What all inputs of one command share."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from fer_client.contract import Contract
from fer_client.errors import ServerError
from fer_client.faces.detection import DetectorChoice
from fer_client.inference.batching import Batching, Frame, predict_in_order
from fer_client.inference.client import InferenceClient, Predictions
from fer_client.inference.probe import ask
from fer_client.inference.server import find_server
from fer_client.pipeline.interruption import Interruption
from fer_client.pipeline.timing import StageClock
from fer_client.settings import Settings


@dataclass(frozen=True)
class Job:
    """How to analyse, with which detector, on which server, and how to be asked to stop."""

    settings: Settings
    client: InferenceClient
    contract: Contract
    detector: DetectorChoice
    server_version: str
    interruption: Interruption = field(default_factory=Interruption)

    @cached_property
    def answers(self) -> list[list[float]]:
        """The answers for the fixed crops of `fer_client.inference.probe`, asked once. Raises ServerError."""
        return ask(self.client, self.contract, self.interruption.result_of)

    def predict(self, frames: Iterable[Frame], clock: StageClock) -> Iterator[tuple[Frame, Predictions]]:
        """Ask the server for the faces of each frame; yield the frames in order with the answers.

        Raises ServerError, and Interrupted where a signal has come.
        """

        def wait(answer: "Future[Predictions]") -> Predictions:
            with clock.time("wait_for_server"):
                return self.interruption.result_of(answer)

        faces = min(self.settings.batch_size, self.contract.max_batch_size)
        return predict_in_order(
            self.interruption.checked(frames),
            self.client,
            self.contract,
            Batching(faces, self.settings.in_flight),
            wait,
        )


@contextmanager
def open_job(
    settings: Settings,
    detector: DetectorChoice,
    url: str | None,
    notify: Callable[[str], None],
    interruption: Interruption,
) -> Iterator[Job]:
    """Find a server, or start one for the length of the block, and read what it serves.

    Within the block a signal only sets the flag of `interruption`. Raises ServerError and ContractError; a
    ServerError that leaves the block comes with what the embedded server says of its end.
    """
    with (
        find_server(url, notify) as server,
        interruption.deferred(),
        InferenceClient(server.url, settings.timeout_s) as client,
    ):
        try:
            contract = client.read_contract()
            yield Job(settings, client, contract, detector, client.server_version(), interruption)
        except ServerError as error:
            raise server.explain(error) from error

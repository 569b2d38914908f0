"""What all inputs of one command share."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from fer_client.contract import Contract
from fer_client.errors import ServerError
from fer_client.faces.detection import DetectorChoice
from fer_client.inference.batching import Batching, Frame, predict_in_order
from fer_client.inference.client import InferenceClient, Predictions
from fer_client.inference.delivery import Delivery
from fer_client.inference.embedded import Launched
from fer_client.inference.probe import ask
from fer_client.inference.server import find_server
from fer_client.pipeline.interruption import Interruption
from fer_client.pipeline.looking import Looking
from fer_client.pipeline.memory import check_memory
from fer_client.pipeline.timing import StageClock
from fer_client.settings import Settings


@dataclass(frozen=True)
class Job:
    """How to analyse, with which detector, on which server, and how to be asked to stop.

    `restart` starts a server that was started for this job again, and gives its address; `notify` takes sentences
    for the user.
    """

    settings: Settings
    client: InferenceClient
    contract: Contract
    detector: DetectorChoice
    server_version: str
    interruption: Interruption = field(default_factory=Interruption)
    restart: Callable[[], str] | None = None
    notify: Callable[[str], None] = lambda _: None

    @property
    def looking(self) -> Looking:
        """How faces are looked for."""
        return Looking(self.settings, self.detector, self.contract.crop_shape, self.interruption.check)

    @property
    def first_score(self) -> float:
        """Least detection score with which a face of a video begins."""
        return self.detector.first_score(self.settings.min_score)

    @cached_property
    def delivery(self) -> Delivery:
        """What sends the faces, and sends them again where the server went away."""
        wait, pause = self.interruption.result_of, self.interruption.pause
        patience_s = self.settings.reconnect_s
        return Delivery(self.client, self.contract, self.restart, patience_s, wait, pause, self.notify)

    @cached_property
    def answers(self) -> list[list[float]]:
        """The answers for the fixed crops of `fer_client.inference.probe`, asked once. Raises ServerError."""
        return ask(self.client, self.contract, self.interruption.result_of)

    def predict(self, frames: Iterable[Frame], clock: StageClock) -> Iterator[tuple[Frame, Predictions]]:
        """Ask the server for the faces of each frame; yield the frames in order with the answers.

        Raises ServerError, and Interrupted where a signal has come.
        """

        faces = min(self.settings.batch_size, self.contract.max_batch_size)
        return predict_in_order(
            self.interruption.checked(frames),
            self.delivery,
            Batching(faces, self.settings.in_flight),
            clock.timing(self.delivery.receive, "wait_for_server"),
        )


@contextmanager
def open_job(
    settings: Settings,
    detector: DetectorChoice,
    url: str | None,
    notify: Callable[[str], None],
    interruption: Interruption,
    launched: Launched | None = None,
) -> Iterator[Job]:
    """Find a server, or start one for the length of the block, and read what it serves.

    One that was `launched` before is waited for where it is needed.
    Within the block a signal only sets the flag of `interruption`. Raises ServerError and ContractError; a
    ServerError that leaves the block comes with what the embedded server says of its end.
    """
    check_memory()
    with (
        find_server(url, notify, launched) as server,
        interruption.deferred(),
        InferenceClient(server.url, settings.timeout_s, server.access) as client,
    ):
        try:
            contract = client.read_contract()
            version = client.server_version()
            yield Job(settings, client, contract, detector, version, interruption, server.restart, notify)
        except ServerError as error:
            raise server.explain(error) from error

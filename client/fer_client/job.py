"""What all videos of one command share."""

from dataclasses import dataclass, field

from fer_client.contract import Contract
from fer_client.detection import DetectorChoice
from fer_client.inference import InferenceClient
from fer_client.interruption import Interruption
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

"""How faces are looked for, apart from the server that tells what they show."""

from collections.abc import Callable
from dataclasses import dataclass

from fer_client.faces.detection import DetectorChoice
from fer_client.settings import Settings


@dataclass(frozen=True)
class Looking:
    """What it takes to find and cut out faces; `check` is called at every frame and raises where it is to stop."""

    settings: Settings
    detector: DetectorChoice
    crop_shape: tuple[int, int, int]
    check: Callable[[], None]

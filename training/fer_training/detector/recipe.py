"""How a detector is trained."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class DetectorRecipe:
    """Everything about a run but the data and the seed.

    A batch's canvases have `side` pixels, by the chance `large_share` `large_side`. Each holds one picture, or by the
    chance `mosaic` four; by the chance `empty` a picture is one without a face, by the chance `crops` one of the given
    faces without surroundings. A face is drawn and its picture scaled so that the face's size is log-uniform between
    `smallest_face` and the canvas: every size gets the same attention.
    `ema` is the decay per step of the averaged weights, which are the ones kept.
    """

    epochs: int = 28
    steps: int = 250
    batch_size: int = 32
    side: int = 192
    large_side: int = 320
    large_share: float = 0.4
    learning_rate: float = 3e-3
    weight_decay: float = 1e-3
    warmup_steps: int = 200
    ema: float = 0.998
    mosaic: float = 0.65
    empty: float = 0.12
    crops: float = 0.1
    smallest_face: float = 8.0
    mixed_precision: bool = True

    def as_record(self) -> dict[str, Any]:
        """Give plain values for the record that travels with the weights."""
        return asdict(self)

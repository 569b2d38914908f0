"""What an export was asked for."""

from dataclasses import dataclass
from pathlib import Path

from fer_export.description import OutputKind
from fer_export.targets import Precision, Target


@dataclass(frozen=True)
class ExportSettings:
    """Everything that the command takes; None leaves the choice to the training record or the network.

    `overwrite` replaces all versions that the repository holds. `is_trusted` opens files that can hold code.
    `crop_side` is the side in pixels of the crops that clients will send. A larger `max_batch_size` lets Triton
    join more requests at a time and takes more memory for each instance. `affect` tells valence and arousal.

    `size` (height, width) and `channels` are stated where the file leaves them open. `activate` serves the new version
    at once. `optimum` is the batch size that TensorRT tunes for, `trtexec` its program. `data` is a folder of
    `fer-train prepare` on which accuracy is measured and INT8 calibrated.
    """

    weights: Path
    model_repository: Path
    labels: tuple[str, ...] | None = None
    input_range: tuple[float, float] | None = None
    output: OutputKind | None = None
    crops: Path | None = None
    crop_side: int | None = None
    max_batch_size: int = 64
    overwrite: bool = False
    is_trusted: bool = False
    affect: Path | None = None
    size: tuple[int, int] | None = None
    channels: int | None = None
    activate: bool = False
    target: Target = "onnxruntime"
    precision: Precision = "fp32"
    optimum: int = 32
    trtexec: str = "trtexec"
    data: Path | None = None

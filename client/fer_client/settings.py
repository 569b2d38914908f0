"""The options of one run as one value, checked once."""

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fer_client.errors import UsageError
from fer_client.tables import FORMATS


@dataclass(frozen=True)
class Settings:
    """How videos are analysed.

    `fps`: analysed frames per second of video, None for every frame.
    `detect_every`: the detector looks at every so many analysed frames, and wherever faces come, go, move fast
    or are unsure; 1 looks at each. More is faster: see `fer_client.sparse` for what it costs.
    `batch_size`: faces per request; larger batches give throughput, smaller ones cost less memory.
    `in_flight`: requests under way at once; beyond the server's instances more only hold memory.
    `timeout_s`: deadline of one request, in seconds.
    `detection_side`: longer side in pixels of the copy that the detector sees; twice as much finds faces
    half as large, at about four times the cost.
    `min_score`: least confidence of a face in [0, 1]; `min_face`: least side of a face in pixels.
    `detection_workers`: threads that detect and crop.
    """

    out: Path = Path("out")
    table_format: str = "csv"
    fps: float | None = None
    detect_every: int = 6
    batch_size: int = 32
    in_flight: int = 4
    timeout_s: float = 30.0
    detection_side: int = 320
    min_score: float = 0.7
    min_face: int = 24
    detection_workers: int = field(default_factory=lambda: min(8, os.cpu_count() or 1))
    partial: bool = False

    def __post_init__(self) -> None:
        """Check every range."""
        _require(self.fps is None or 0 < self.fps <= 1000, "--fps", "above 0 and at most 1000", self.fps)
        _require(1 <= self.detect_every <= 60, "--detect-every", "from 1 to 60 frames", self.detect_every)
        _require(1 <= self.batch_size <= 4096, "--batch-size", "from 1 to 4096", self.batch_size)
        _require(1 <= self.in_flight <= 256, "--in-flight", "from 1 to 256", self.in_flight)
        _require(0 < self.timeout_s <= 3600, "--timeout", "above 0 and at most 3600 seconds", self.timeout_s)
        _require(
            64 <= self.detection_side <= 4096, "--detection-side", "from 64 to 4096", self.detection_side
        )
        _require(0 < self.min_score < 1, "--min-score", "between 0 and 1", self.min_score)
        _require(1 <= self.min_face <= 4096, "--min-face", "from 1 to 4096 pixels", self.min_face)
        _require(1 <= self.detection_workers <= 64, "--workers", "from 1 to 64", self.detection_workers)
        _require(self.table_format in FORMATS, "--format", f"one of {', '.join(FORMATS)}", self.table_format)

    def as_record(self) -> dict[str, Any]:
        """Return the settings that can change a result, for summary.json."""
        names = ("fps", "detect_every", "detection_side", "min_score", "min_face", "partial")
        return {name: value for name, value in asdict(self).items() if name in names}


def _require(holds: bool, option: str, expected: str, came: object) -> None:
    if not holds:
        raise UsageError(f"{option} must be {expected}, but is {came}.")

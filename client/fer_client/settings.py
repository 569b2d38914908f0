"""The options of one run as one value, checked once."""

import math
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fer_client.errors import UsageError

_WITHOUT_EFFECT = frozenset(
    {"out", "table_format", "batch_size", "in_flight", "timeout_s", "detection_workers", "overwrite"}
)
"""Settings that change where a result stands or how fast it comes, but nothing in it."""

_WITHOUT_EFFECT_ON = {
    "video": frozenset({"photo_side", "sequence_fps"}),
    "array": frozenset({"photo_side", "sequence_fps", "partial"}),
    "stream": frozenset({"photo_side", "sequence_fps"}),
    "sequence": frozenset({"photo_side"}),
    "photographs": frozenset(
        {
            "fps",
            "detect_every",
            "detection_side",
            "smooth_s",
            "min_episode_s",
            "duration_s",
            "sequence_fps",
            "partial",
            "low_latency",
        }
    ),
}
"""The same for each `fer_client.media.sources.Source.kind` of input."""

DETECTORS = ("auto", "yunet", "haar")
"""Kinds of face detector, as `fer_client.faces.detection.choose_detector` takes them."""

SMOOTH_S = 0.5
"""Default length of the window. Expressions that one can see without slow motion last half a second or more
(Ekman 2003, Emotions Revealed; Yan et al. 2013, doi:10.1007/s10919-013-0159-8): such a one fills the window
once and so keeps its full height, and what lasts for a frame or two is averaged away. On five real clips of
one face or more, spells of less than 0.2 s in which another expression was the strongest became fewer, from
148 a minute of face time to 33 (window 0.25 s), 11 (0.5 s) and 6 (1 s)."""


def usable_cores() -> int:
    """Count the processors that this process may run on; a container's may be fewer than the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Settings:
    """How videos are analysed.

    `fps`: analysed frames per second of video, None for every frame.
    `detect_every`: the detector looks at every so many analysed frames, and wherever faces come, go, move fast
    or are unsure; 1 looks at each. More is faster: see `fer_client.faces.interpolation` for what it costs.
    `batch_size`: faces per request; larger batches give throughput, smaller ones cost less memory.
    `in_flight`: requests under way at once; beyond the server's instances more only hold memory.
    `timeout_s`: deadline of one request, in seconds.
    `detection_side`: longer side in pixels of the copy that the detector sees; twice as much finds faces
    half as large, at about four times the cost.
    `min_score`: least confidence of a face in [0, 1]; `min_face`: least side of a face in pixels.
    `photo_side`: the same for photographs, which may hold a crowd: on 34 of them 320 found 135 faces, 640 found
    146 in twice the time, and 1280 found 148 in nine times the time of 640.
    `detection_workers`: threads that detect and crop. One more than there are cores, so that one that waits
    for Python's lock leaves no core idle: with `--detect-every 1` a run on two cores took 4 % less time.
    `smooth_s`: length in seconds of the window over which a face's answers are averaged; 0 for none.
    `min_confidence`: an answer below it counts as uncertain in the summary's shares; 0 for none. The
    probabilities are calibrated, so below one half an answer is more likely wrong than right.
    `min_episode_s`: shorter episodes are not told, since what the window leaves of a frame or two is chance.
    `duration_s`: how much of a video is analysed, in seconds from its first frame; None for all of it.
    `sequence_fps`: how many pictures of a sequence follow each other in a second; None where there is none.
    `partial`: go on with what can be read of a damaged input.
    `low_latency`: every frame is done before the next is asked for, as live use needs: the detector looks at each
    (`detect_every` has no effect), nothing waits for a batch, and smoothing looks back only.
    `overwrite`: do inputs again that were done before.
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
    detection_workers: int = field(default_factory=lambda: min(8, usable_cores() + 1))
    smooth_s: float = SMOOTH_S
    min_confidence: float = 0.5
    min_episode_s: float = 0.2
    duration_s: float | None = None
    sequence_fps: float | None = None
    photo_side: int = 640
    partial: bool = False
    low_latency: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Check every range."""
        for option, fps in (("--fps", self.fps), ("--sequence-fps", self.sequence_fps)):
            _require(fps is None or 0 < fps <= 1000, option, "above 0 and at most 1000", fps)
        _require(1 <= self.detect_every <= 60, "--detect-every", "from 1 to 60 frames", self.detect_every)
        _require(0 <= self.smooth_s <= 10, "--smooth", "from 0 to 10 seconds", self.smooth_s)
        _require(0 <= self.min_confidence < 1, "--min-confidence", "from 0 to below 1", self.min_confidence)
        _require(0 <= self.min_episode_s <= 60, "--min-episode", "from 0 to 60 seconds", self.min_episode_s)
        is_length = self.duration_s is None or 0 < self.duration_s < math.inf
        _require(is_length, "--duration", "above 0 and finite", self.duration_s)
        _require(1 <= self.batch_size <= 4096, "--batch-size", "from 1 to 4096", self.batch_size)
        _require(1 <= self.in_flight <= 256, "--in-flight", "from 1 to 256", self.in_flight)
        _require(0 < self.timeout_s <= 3600, "--timeout", "above 0 and at most 3600 seconds", self.timeout_s)
        for option, side in (("--detection-side", self.detection_side), ("--photo-side", self.photo_side)):
            _require(64 <= side <= 4096, option, "from 64 to 4096", side)
        _require(0 < self.min_score < 1, "--min-score", "between 0 and 1", self.min_score)
        _require(1 <= self.min_face <= 4096, "--min-face", "from 1 to 4096 pixels", self.min_face)
        _require(1 <= self.detection_workers <= 64, "--workers", "from 1 to 64", self.detection_workers)

    def as_record(self, kind: str) -> dict[str, Any]:
        """Return the settings that can change the result of this kind of input, for summary.json."""
        without = _WITHOUT_EFFECT | _WITHOUT_EFFECT_ON[kind]
        if self.low_latency:
            without |= {"detect_every"}
        return {name: value for name, value in asdict(self).items() if name not in without}


def _require(holds: bool, option: str, expected: str, came: object) -> None:
    if not holds:
        raise UsageError(f"{option} must be {expected}, but is {came}.")

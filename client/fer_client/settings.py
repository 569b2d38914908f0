"""The options of one run as one value, checked once.

A field of `Settings` is the one place that says what an option is called, takes and does; the options of the command
are made of it (`fer_client.cli.options`), and tests hold every other list of them against it.
"""

import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_type_hints

from fer_client.errors import UsageError

VISUAL_SETTINGS = ("annotate", "anonymize", "report", "relative")
"""Settings by which something is made of a result: see `fer_client.visuals.catalogue`."""

_WITHOUT_EFFECT = frozenset(
    {
        *("out", "table_format", "batch_size", "in_flight", "timeout_s", "detection_workers", "overwrite"),
        *("max_pixels", "reconnect_s", "sandbox"),
        *VISUAL_SETTINGS,
    }
)
"""Settings that change where a result stands, how fast it comes or what is made of it, but nothing in its tables."""

_WITHOUT_EFFECT_ON = {
    "video": frozenset({"photo_side", "sequence_fps"}),
    "array": frozenset({"photo_side", "sequence_fps", "partial"}),
    "stream": frozenset({"photo_side", "sequence_fps"}),
    "sequence": frozenset({"photo_side"}),
    "live": frozenset({"photo_side", "sequence_fps", "partial"}),
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

_WITHOUT_SANDBOX = ("annotate", "anonymize", "report", "low_latency")
"""Settings with which inputs are decoded, or looked at, in a way that the sandbox has not."""

AUTO, LUMAFACE, YUNET = DETECTORS = ("auto", "lumaface", "yunet")
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


class Range(NamedTuple):
    """Values that a setting may have, in words and as a test; None, for a setting that is off, is always allowed."""

    words: str
    holds: Callable[[Any], bool]


def _closed(low: float, high: float, unit: str = "") -> Range:
    return Range(f"from {low} to {high}{unit}", lambda value: low <= value <= high)


def _above(low: float, high: float, unit: str = "") -> Range:
    return Range(f"above {low} and at most {high}{unit}", lambda value: low < value <= high)


class Option(NamedTuple):
    """How the command line names and explains a setting, and the values that it may have."""

    names: str
    help: str
    range: Range = Range("any value", lambda _: True)

    def check(self, value: object, shown: str | None = None) -> None:
        """Raise UsageError for a value out of the range; the option is `shown` by its first name or by another."""
        if value is not None and not self.range.holds(value):
            raise UsageError(f"{shown or self.names.split()[0]} must be {self.range.words}, but is {value}.")


@dataclass(frozen=True)
class Settings:
    """How inputs are analysed. The texts below say what the help of the command line does not."""

    out: Annotated[Path, Option("--out -o", "Folder that gets one folder per input.")] = Path("out")
    table_format: Annotated[str, Option("--format", "Format of the tables: csv, jsonl, parquet or xlsx.")] = (
        "csv"
    )
    fps: Annotated[
        float | None,
        Option("--fps", "Analysed frames per second of video. Default: every frame.", _above(0, 1000)),
    ] = None
    detect_every: Annotated[
        int,
        Option(
            "--detect-every",
            "Detect faces on every so many frames, and wherever they change; 1 for every frame.",
            _closed(1, 60, " frames"),
        ),
    ] = 6
    """Analysed frames from one look of the detector to the next, where no face comes, goes, moves fast or is unsure.
    More is faster: see `fer_client.faces.interpolation` for what it costs."""
    batch_size: Annotated[int, Option("--batch-size", "Faces per request.", _closed(1, 4096))] = 32
    """Larger batches give throughput, smaller ones cost less memory."""
    in_flight: Annotated[int, Option("--in-flight", "Requests under way at once.", _closed(1, 256))] = 4
    """Beyond the server's instances more only hold memory."""
    timeout_s: Annotated[
        float, Option("--timeout", "Deadline of one request in seconds.", _above(0, 3600, " seconds"))
    ] = 30.0
    reconnect_s: Annotated[
        float,
        Option(
            "--reconnect",
            "Seconds to wait for a server that went away; 0 for none.",
            _closed(0, 3600, " seconds"),
        ),
    ] = 60.0
    """The embedded server is started again instead, three times at most."""
    detection_side: Annotated[
        int,
        Option(
            "--detection-side",
            "Longer side, in pixels, of the picture that the detector sees; more finds smaller faces.",
            _closed(64, 4096),
        ),
    ] = 320
    """Twice as much finds faces half as large, at about four times the cost."""
    min_score: Annotated[
        float,
        Option(
            "--min-score",
            "Least detection score of a face, 0 to 1; in videos LumaFace's begin with more and go on with less.",
            Range("between 0 and 1", lambda score: 0 < score < 1),
        ),
    ] = 0.7
    min_face: Annotated[
        int, Option("--min-face", "Least side of a face in pixels.", _closed(1, 4096, " pixels"))
    ] = 24
    detection_workers: Annotated[
        int,
        Option(
            "--workers",
            "Threads that detect and crop. Default: one more than processors, at most 8.",
            _closed(1, 64),
        ),
    ] = field(default_factory=lambda: min(8, usable_cores() + 1))
    """One more than there are cores, so that one that waits for the GIL leaves no core idle: with
    `--detect-every 1` a run on two cores took 4 % less time."""
    smooth_s: Annotated[
        float,
        Option(
            "--smooth",
            "Seconds over which the smooth_ columns average a face's answers; 0 for none.",
            _closed(0, 10, " seconds"),
        ),
    ] = SMOOTH_S
    min_confidence: Annotated[
        float,
        Option(
            "--min-confidence",
            "Answers below this probability count as uncertain in the shares; 0 for none.",
            Range("from 0 to below 1", lambda probability: 0 <= probability < 1),
        ),
    ] = 0.5
    """The shipped network's probabilities are calibrated on the shares of voters: below one half, fewer than half of
    the people who look would give this answer."""
    min_episode_s: Annotated[
        float,
        Option(
            "--min-episode",
            "Seconds that an expression must last to stand in episodes.",
            _closed(0, 60, " seconds"),
        ),
    ] = 0.2
    """Shorter ones are not told, since what the window leaves of a frame or two is chance."""
    duration_s: Annotated[
        float | None,
        Option(
            "--duration",
            "Seconds of each video or stream to analyse.",
            Range("above 0 and finite", lambda seconds: 0 < seconds < math.inf),
        ),
    ] = None
    """Counted from a video's first frame; None for all of it."""
    sequence_fps: Annotated[
        float | None,
        Option(
            "--sequence-fps",
            "Take the pictures of a folder or pattern as a film with so many a second.",
            _above(0, 1000),
        ),
    ] = None
    photo_side: Annotated[
        int, Option("--photo-side", "The same for photographs, which may hold a crowd.", _closed(64, 4096))
    ] = 640
    """As `detection_side`: on 34 photographs 320 found 135 faces, 640 found 146 in twice the time, and 1280 found 148
    in nine times the time of 640."""
    max_pixels: Annotated[
        int,
        Option("--max-pixels", "Refuse inputs whose frames state more pixels.", _closed(1, 2**31)),
    ] = 200_000_000
    """As many as the sensors of phones have; a file of 0.1 MB can state 900 million."""
    partial: Annotated[
        bool,
        Option(
            "--partial", "Analyse what can be read of a damaged video; of photographs none that is damaged."
        ),
    ] = False
    sandbox: Annotated[
        bool,
        Option(
            "--sandbox",
            "Decode files in a process that reaches no network and no other file. For tables alone; Linux.",
        ),
    ] = False
    """For tables of files alone, see `fer_client.pipeline.sandbox`: copies and reports would be decoded outside."""
    low_latency: Annotated[
        bool,
        Option("--low-latency", "For live streams: hold no frame back. Smoothing looks back only; slower."),
    ] = False
    """Every frame is done before the next is asked for: the detector looks at each, so that `detect_every` has no
    effect, and nothing waits for a batch."""
    annotate: Annotated[
        bool, Option("--annotate", "Write the video again with what its faces show, as annotated.mp4.")
    ] = False
    anonymize: Annotated[
        bool,
        Option("--anonymize", "Write the video again with its faces hidden, as anonymized.mp4."),
    ] = False
    """With `annotate` or `report`, these hide the faces too."""
    report: Annotated[
        bool, Option("--report", "Write report.html, a page with timelines, episodes and shares.")
    ] = False
    relative: Annotated[
        bool,
        Option("--relative", "Write relative and baselines: each face against its own resting look."),
    ] = False
    overwrite: Annotated[bool, Option("--overwrite", "Analyse inputs again that were done before.")] = False

    def __post_init__(self) -> None:
        """Raise UsageError for a value out of its range."""
        for name, option in setting_options().items():
            option.check(getattr(self, name))
        for name in _WITHOUT_SANDBOX:
            if self.sandbox and getattr(self, name):
                raise UsageError(
                    f"--sandbox confines what tables are made of, and {setting_options()[name].names} works outside "
                    "of it. Leave one out."
                )

    @property
    def asks_for_visuals(self) -> bool:
        """Whether anything is to be made of the results."""
        return any(getattr(self, name) for name in VISUAL_SETTINGS)

    def as_record(self, kind: str) -> dict[str, Any]:
        """Return the settings that can change the result of this kind of input, for summary.json."""
        without = _WITHOUT_EFFECT | _WITHOUT_EFFECT_ON[kind]
        if self.low_latency:
            without |= {"detect_every"}
        return {name: value for name, value in asdict(self).items() if name not in without}


def setting_options() -> dict[str, Option]:
    """Name the settings that are options of the command line, in the order of the fields."""
    hints = get_type_hints(Settings, include_extras=True)
    return {
        name: extra
        for name, hint in hints.items()
        for extra in getattr(hint, "__metadata__", ())
        if isinstance(extra, Option)
    }

"""The latency table of the system that this one replaces, on clips of its formats, sizes and lengths.

    python -m benchmarks original VIDEO [--clips out/bench] [--runs 3] [--rows 1 2 3]

The original's clips are not public. Clips like them are made of VIDEO, over and over, enlarged to 1920x1080 at 30
frames/s (its table tells no resolution) with grain, so that they fill the size of the original's: decoding costs as
much. They are kept in the folder --clips. The original's machine is not known either: its seconds stand beside for
what a person waited.

Beside each row stands its floor (docs/speed.md): decoding, detecting and the bare network, on the same cores.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.efficiency import decoding_s, detection_s, network_s
from benchmarks.memory import repeat
from fer_client.bench.benching import bench_videos
from fer_client.cli.console import notify
from fer_client.faces.detection import choose_detector
from fer_client.settings import AUTO, Settings
from fer_server.cli import default_repository
from fer_server.environment import packages

SIZE_WH = (1920, 1080)
FPS = 30
_CODED_S = 10.0
_GRAIN = 6.0
_GRAINS = 8


@dataclass(frozen=True)
class Row:
    """A row of the original's table: what it ran on, and its seconds."""

    suffix: str
    megabytes: float
    length_s: float
    processing_s: float

    @property
    def name(self) -> str:
        """Name the clip that is made for it."""
        return f"{self.length_s:g}s-{self.megabytes:g}MB{self.suffix}"


ROWS = (
    Row(".mov", 2.8, 2.6, 87.56),
    Row(".mov", 7.0, 4.54, 107.68),
    Row(".mov", 8.7, 5.64, 137.13),
    Row(".mp4", 72, 28.77, 158.06),
    Row(".mov", 3.9, 3.7, 384),
    Row(".mp4", 163, 91.56, 973.24),
)
"""As its README has them, categories, intensity and the annotated video together."""


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("video", type=Path, metavar="VIDEO", help="what the clips are made of")
    parser.add_argument("--clips", type=Path, default=Path("out/bench"), help="where the clips are kept")
    parser.add_argument("--runs", type=int, default=3, help="of each clip; medians are shown (default 3)")
    parser.add_argument(
        "--rows",
        type=int,
        nargs="*",
        choices=range(1, len(ROWS) + 1),
        default=range(1, len(ROWS) + 1),
        help="rows of the table, 1 to 6 (default all)",
    )


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Make the clips that are missing, measure each, and return the record."""
    rows = [ROWS[number - 1] for number in arguments.rows]
    arguments.clips.mkdir(parents=True, exist_ok=True)
    clips = [made_clip(arguments.video, row, arguments.clips / row.name) for row in rows]
    settings = Settings()
    detector = choose_detector(AUTO, arguments.detector_model, settings.min_score)
    record = bench_videos(clips, settings, detector, None, arguments.runs, True, notify)
    network = default_repository() / "expression/1/model.onnx"
    face_s = network_s(network, settings.batch_size, packages(os.environ, notify))
    for row, clip, video in zip(rows, clips, record["videos"], strict=True):
        notify(f"{clip}: the floor")
        floor = decoding_s(clip) + video["frames_detected"] * detection_s(clip, detector, settings)
        floor += video["faces"] * face_s
        video["floor_processor_s"] = floor
        video["own_over_floor"] = video["figures"]["predictions_processor_s"] / floor
        video["original"] = {
            "megabytes": row.megabytes,
            "length_s": row.length_s,
            "processing_s": row.processing_s,
        }
    del record["conditions"]  # the command notes them, with the commit
    return {"made_of": arguments.video.name, **record}


def made_clip(source: Path, row: Row, out: Path) -> Path:
    """Make a clip of a row's length and size where `out` is not there yet."""
    if not out.exists():
        notify(f"Making {out}")
        partial = out.with_name(f".{out.name}")
        write_clip(source, partial, row.length_s, row.megabytes)
        partial.replace(out)
    return out


def write_clip(source: Path, out: Path, length_s: float, megabytes: float) -> None:
    """Write a video over and over as H.264 with grain, so long and so large; a long clip repeats its first seconds."""
    times = max(1, round(length_s / _CODED_S))
    if times > 1:
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder) / f"part{out.suffix}"
            write_clip(source, part, length_s / times, megabytes / times)
            repeat(part, out, times)
        return
    rate = int(8e6 * megabytes / length_s)
    with av.open(str(out), "w", format="mov" if out.suffix == ".mov" else "mp4") as target:
        bounds = {"preset": "superfast", "maxrate": str(rate), "bufsize": str(rate // 2), "nal-hrd": "cbr"}
        stream = target.add_stream("libx264", rate=FPS, options=bounds)
        stream.width, stream.height = SIZE_WH
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = rate
        for index, picture in enumerate(_grainy(source, round(length_s * FPS))):
            picture.pts, picture.time_base = index, Fraction(1, FPS)
            target.mux(stream.encode(picture))
        target.mux(stream.encode())


def _grainy(source: Path, count: int) -> Iterator[av.VideoFrame]:
    """Yield frames of a video, over and over, enlarged and with grain in their luma."""
    chance = np.random.default_rng(0)
    width, height = SIZE_WH
    grains = [chance.normal(0, _GRAIN, (height, width)).round().astype(np.int16) for _ in range(_GRAINS)]
    for index, picture in enumerate(_over_and_over(source, count)):
        planes = picture.reformat(*SIZE_WH, "yuv420p").to_ndarray()
        planes[:height] = _with_grain(planes[:height], grains[index % _GRAINS])
        yield av.VideoFrame.from_ndarray(planes, format="yuv420p")


def _with_grain(luma: NDArray[Any], grain: NDArray[np.int16]) -> NDArray[np.uint8]:
    return np.clip(luma.astype(np.int16) + grain, 16, 235).astype(np.uint8)


def _over_and_over(source: Path, count: int) -> Iterator[av.VideoFrame]:
    left = count
    while left:
        with av.open(str(source)) as container:
            for picture in container.decode(video=0):
                if not left:
                    return
                left -= 1
                yield picture


def report(record: dict[str, Any]) -> str:
    """Lay the rows out beside the original's."""
    lines = [f"Starting: {record['start_s']:.2f} s, once. Clips made of {record['made_of']}."]
    for video in record["videos"]:
        figures, original = video["figures"], video["original"]
        lines.append(
            f"  {video['video']['name']:<18} {figures['processing_s']:7.2f} s (predictions "
            f"{figures['predictions_s']:.2f}, video {figures['preparation_s']:.2f}; {figures['real_time']:.1f} x real "
            f"time; processor time {video['own_over_floor']:.2f} x the floor); the original "
            f"{original['processing_s']:.2f} s"
        )
    return "\n".join(lines)

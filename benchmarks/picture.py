"""Draw a result: stills of the clip above the probabilities of each expression over time.

    python -m benchmarks.picture out/sample.mp4 out/sample docs/example.png

The README's picture is made so, from the sample clip, whose rights are clear.
"""

import argparse
import csv
import math
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from fer_client.contract import LABELS
from fer_client.media.video import open_video
from fer_client.palette import colours

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle

COLOURS = tuple(colours(LABELS).values())
STILLS_S = (0.8, 2.0, 3.2, 4.8, 6.4, 8.2)

Row = dict[str, str]


def read_rows(folder: Path) -> list[Row]:
    """Return the rows of faces.csv."""
    with (folder / "faces.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_stills(path: Path, times_s: tuple[float, ...]) -> list[tuple[float, int, NDArray[np.uint8]]]:
    """Return time, index and RGB picture of the first frame at or after each time."""
    wanted, stills = list(times_s), []
    with open_video(path) as video:
        for frame in video.frames():
            if wanted and frame.time_s >= wanted[0]:
                stills.append((frame.time_s, frame.index, frame.rgb()))
                wanted.pop(0)
    return stills


def draw_still(axes: Any, still: tuple[float, int, NDArray[np.uint8]], rows: list[Row]) -> None:
    """Show one frame with a box, the strongest expression and its probability for each face."""
    time_s, index, picture = still
    axes.imshow(picture)
    axes.set_title(f"{time_s:.1f} s", fontsize=8)
    axes.axis("off")
    for row in rows:
        if int(row["frame"]) == index and row["expression"]:
            x, y, w, h = (int(row[name]) for name in "xywh")
            axes.add_patch(Rectangle((x, y), w, h, fill=False, color="white", linewidth=1.5))
            text = f"{row['expression']} {100 * float(row['confidence']):.0f} %"
            box = {"facecolor": "black", "alpha": 0.6, "pad": 1.5, "edgecolor": "none"}
            axes.text(x + w / 2, max(y - 8, 34), text, color="white", fontsize=7, ha="center", bbox=box)


def draw_track(axes: Any, rows: list[Row], track: str) -> None:
    """Stack the probabilities of one face over time, with a gap where it is not seen."""
    seen = {row["time_s"]: row for row in rows if row["track"] == track}
    times = list(dict.fromkeys(row["time_s"] for row in rows))
    layers = [
        [float(seen[time][f"p_{label}"]) if time in seen else math.nan for time in times] for label in LABELS
    ]
    axes.stackplot([float(time) for time in times], layers, colors=COLOURS, labels=LABELS)
    axes.set_ylim(0, 1)
    axes.set_ylabel(f"face {track}", fontsize=8)
    axes.tick_params(labelsize=7)


def main() -> None:
    """Parse the arguments and draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("video", type=Path)
    parser.add_argument("result", type=Path, help="the folder that fer-client wrote for it")
    parser.add_argument("out", type=Path, help="the picture to write")
    arguments = parser.parse_args()
    rows, stills = read_rows(arguments.result), read_stills(arguments.video, STILLS_S)
    tracks = sorted({row["track"] for row in rows if row["track"]}, key=int)[:5]
    heights = [2.0, *[1.0] * len(tracks)]
    figure = plt.figure(figsize=(10, 1.3 + 0.75 * len(tracks)), layout="constrained")
    grid = figure.add_gridspec(len(heights), len(stills), height_ratios=heights)
    for column, still in enumerate(stills):
        draw_still(figure.add_subplot(grid[0, column]), still, rows)
    last_s = float(rows[-1]["time_s"])
    for line, track in enumerate(tracks, start=1):
        axes = figure.add_subplot(grid[line, :])
        draw_track(axes, rows, track)
        axes.set_xlim(0, last_s)
        axes.tick_params(labelbottom=line == len(tracks))
    axes.set_xlabel("time, s", fontsize=8)
    figure.legend(
        *axes.get_legend_handles_labels(), loc="outside lower center", ncols=len(LABELS), fontsize=8
    )
    figure.savefig(arguments.out, dpi=110)


if __name__ == "__main__":
    main()

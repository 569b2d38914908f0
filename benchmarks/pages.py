"""Write the committed figures of `benchmarks/results` into the docs, so that none is typed by hand.

    python -m benchmarks.pages

`speed.json` is what `python -m benchmarks … --record` wrote, `live.json` what `python -m benchmarks.live … --record`
did, `muxspace.json` what `python -m benchmarks.chain … --out` did, and `robustness.json` what
`python -m pytest -m faults --record-faults …` did.
"""

import json
from pathlib import Path
from typing import Any

from benchmarks import chain
from fer_training.reports.documents import markdown_table, percent, write_part

COMMAND = "python -m benchmarks.pages"
_ROOT = Path(__file__).parents[1]


def speed(record: dict[str, Any]) -> str:
    """Markdown table of a record's efficiency, peer, agreement, memory and start."""
    parts, peak = record["efficiency"], record["memory"]
    ratios = list(parts["detect_every"].values())
    header = ["", *(f"`--detect-every {every}`" for every in parts["detect_every"])]
    rows = [
        ["wall time over the floor", *(f"{ratio['wall_over_floor']:.2f}" for ratio in ratios)],
        ["own processor time over the floor", *(f"{ratio['own_over_floor']:.2f}" for ratio in ratios)],
        ["frames per second", *(f"{ratio['frames_per_s']:.0f}" for ratio in ratios)],
        ["frames that the detector saw", *(f"{ratio['frames_detected']}" for ratio in ratios)],
    ]
    if peer := record.get("peer"):
        rates = (ratio["frames_per_s"] / peer["frames_per_s"] for ratio in ratios)
        costs = (peer["own_s_per_frame"] / ratio["own_s_per_frame"] for ratio in ratios)
        rows += [
            ["frames per second over those of `fer`", *(f"{rate:.1f} times" for rate in rates)],
            ["the same per second of processor time", *(f"{cost:.1f} times" for cost in costs)],
        ]
    return "\n".join(
        [
            markdown_table(header, rows),
            "",
            f"The floor: decoding {parts['decode_core_s']:.2f} s for all {ratios[0]['frames']} frames, "
            f"{parts['detection_core_ms']:.1f} ms per detection, {parts['network_core_ms_per_face']:.2f} ms per face, "
            f"on {parts['cores']} cores.",
            "",
            markdown_table(
                ["", "measured"],
                [
                    ["peak memory of the client", f"{peak['short_mb']:.0f} MB"],
                    ["the same on a clip ten times as long", f"{peak['long_over_short']:.2f} times"],
                    ["at 1920×1080", f"{peak['full_hd_mb']:.0f} MB"],
                    ["`fer-client --help`", f"{record['help']['wall_s']:.2f} s"],
                    ["base installation", f"{record['install_mb']:.0f} MB"],
                ],
            ),
        ]
    )


def agreement(record: dict[str, Any]) -> str:
    """Markdown table of what remains of all videos' faces and expressions with fewer detections."""
    rows = [
        [
            every,
            *(
                percent(kept[f"share_of_{share}"])
                for share in ("frames_detected", "faces", "extra_faces", "expressions")
            ),
        ]
        for every, kept in record["agreement"]["detect_every"].items()
    ]
    kept, count = record["agreement"]["all"], len(record["agreement"]["videos"])
    header = ["`--detect-every`", "frames looked at", "faces kept", "faces too many", "expressions kept"]
    about = f"{count} clips, {kept['frames']:,} frames, {kept['faces']:,} faces:"
    return f"{about}\n\n{markdown_table(header, rows)}"


def accuracy(figures: dict[str, Any]) -> str:
    """Markdown tables of the chain's accuracy and of its confusion over the four categories."""
    four = figures["four_categories"]
    rows = [
        [label, *(str(count) for count in counts), f"{100 * counts[index] / sum(counts):.0f} %"]
        for index, (label, counts) in enumerate(zip(four["order"], four["confusion"], strict=True))
    ]
    header = ["label", *(f"{label}?" for label in four["order"]), "missed", "right"]
    return f"{chain.table(figures)}\n\n{markdown_table(header, rows)}"


def live(record: dict[str, Any]) -> str:
    """Markdown table of a live view's rate, dropped share and delays, with the load beside it."""
    rows = [
        ["analysed", f"{record['frames_per_s']:.1f} frames/s"],
        ["dropped", percent(record["share_dropped"])],
        *(
            [f"delay {name}", f"{part['p50']:.0f} ms median, {part['p95']:.0f} ms 95th percentile"]
            for name, part in (
                ("from a frame to its answer", record["answered_ms"]),
                ("to a page that takes it", record["shown_ms"]),
            )
        ),
        ["own work, Triton included", f"{record['own_cores']:.2f} cores"],
    ]
    about = (
        f"{record['seconds']:.0f} s with {record['detector']} on {record['cores']} cores, of which other programs took "
        f"{record['cores_taken_by_others']:.2f} meanwhile:"
    )
    return f"{about}\n\n{markdown_table(['', 'measured'], rows)}"


def faults(record: dict[str, Any]) -> str:
    """Markdown table of what the tests tried, what happened, and what was lost."""
    rows = [
        [f"{row['kind']}: {row['fault']}", row["happened"], row["lost"], str(row["tried"])]
        for row in record["faults"]
    ]
    return markdown_table(["fault or input", "what happened", "what was lost", "tried"], rows, left=3)


PARTS = (
    ("speed.md", "speed.json", "agreement", agreement),
    ("speed.md", "speed.json", "speed", speed),
    ("accuracy.md", "muxspace.json", "accuracy", accuracy),
    ("live.md", "live.json", "live", live),
    ("robustness.md", "robustness.json", "faults", faults),
)
"""Page, file of figures, name of the part, and what lays the figures out."""


def write(results: Path, docs: Path) -> None:
    """Write every part of the pages."""
    for page, source, part, text in PARTS:
        figures = json.loads((results / source).read_text(encoding="utf-8"))
        write_part(docs / page, f"{COMMAND}, {part}", text(figures))


if __name__ == "__main__":
    write(Path(__file__).with_name("results"), _ROOT / "docs")

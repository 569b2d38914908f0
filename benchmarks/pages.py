"""Write the committed figures of `benchmarks/results` into the docs, so that none is typed by hand.

    python -m benchmarks.pages

`muxspace.json` is what `python -m benchmarks.chain … --out` wrote, `precision.json` and `detector.json` what
`python -m benchmarks.precision … --out` and `python -m benchmarks.detector … --out` did, `soak.json` what
`python -m benchmarks.soak` and `robustness.json` what `make record-faults` did; each other file is of the command of
`python -m benchmarks` by whose name it goes. Curves are drawn too.
"""

import json
from pathlib import Path
from typing import Any

from benchmarks import chain, detector
from benchmarks.curves import draw_growth, draw_serving
from benchmarks.original import ROWS
from benchmarks.peers import OURS, times_as_fast
from benchmarks.records import is_busy
from benchmarks.serving import best_line, share_of_bare, undisturbed
from benchmarks.start import EMBEDDED, RUNNING, SHOWN
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


def measured_on(record: dict[str, Any]) -> str:
    """Say on what machine, how busy, and of which commit a record is."""
    about = record["conditions"]
    machine = about["machine"]
    load = f"beside other programs (load average {about['load_average']:.1f})" if is_busy(record) else "idle"
    return (
        f"{machine['cores']} cores of an {machine['processor']}, {load}; {about['time'][:10]}, "
        f"commit {about['commit'] or 'not known'}."
    )


def latency(record: dict[str, Any]) -> str:
    """Markdown table of the original's latency rows beside ours.

    Beside other programs' load our seconds are an estimate, the core-seconds that those left over the cores.
    """
    seconds = "undisturbed_s" if is_busy(record) else "processing_s"
    start_s = record["start_undisturbed_s" if is_busy(record) else "start_s"]
    header = [
        "format, size: length",
        "the original, s",
        "ours, s",
        "times",
        "predictions, core-s",
        "video, core-s",
    ]
    rows = []
    for video in record["videos"]:
        shown, figures, theirs = video["video"], video["figures"], video["original"]
        ours_s = start_s + figures[seconds]
        rows.append(
            [
                f"{shown['format']}, {theirs['megabytes']:g} MB: {theirs['length_s']:g} s",
                f"{theirs['processing_s']:.1f}",
                f"{ours_s:.1f}",
                f"{theirs['processing_s'] / ours_s:.0f}",
                f"{figures['predictions_processor_s']:.1f}",
                f"{figures['processor_s'] - figures['predictions_processor_s']:.1f}",
            ]
        )
    count = record["command"]["runs"]
    runs = "one run" if count == 1 else f"medians of {count} runs"
    estimate = (
        " Our seconds are an estimate for idle cores: what it took of the core-seconds that the others left."
        if is_busy(record)
        else ""
    )
    about = (
        f"{len(rows)} of its {len(ROWS)} rows. Ours: `fer-client VIDEO --annotate`, {runs}, with {start_s:.1f} s of "
        f"start in every row.{estimate} "
        f"{measured_on(record)}"
    )
    return f"{markdown_table(header, rows)}\n\n{about}"


def costs(record: dict[str, Any]) -> str:
    """Markdown table of what else was measured of the original's rows; times alone where little else ran."""
    videos = record["videos"]
    figures = [video["figures"] for video in videos]
    frame_ms = [one["frame_ms"] for one in figures]
    times: list[tuple[str, str, list[float]]] = [
        ("times as fast as it plays", ".1f", [one["real_time"] for one in figures]),
        ("predictions, frames per second", ".0f", [one["frames_per_s"] for one in figures]),
        ("frame to row, ms, median", ".0f", [one["p50"] for one in frame_ms]),
        ("frame to row, ms, 95 %", ".0f", [one["p95"] for one in frame_ms]),
        ("frame to row, ms, 99 %", ".0f", [one["p99"] for one in frame_ms]),
    ]
    rows: list[tuple[str, str, list[float]]] = [
        ("size made here, MB", ".1f", [video["video"]["megabytes"] for video in videos]),
        *([] if is_busy(record) else times),
        ("frames", ".0f", [video["frames"] for video in videos]),
        ("processor time, s", ".1f", [one["processor_s"] for one in figures]),
        ("of the predictions, over the floor", ".2f", [video["own_over_floor"] for video in videos]),
        ("most memory of the client, MB", ".0f", [one["peak_mb"] for one in figures]),
        ("of the server's processes, MB", ".0f", [one["server_peak_mb"] for one in figures]),
    ]
    header = ["", *(f"{video['video']['duration_s']:.1f} s" for video in videos)]
    cells = [[name, *(format(one, spec) for one in values)] for name, spec, values in rows]
    without = (
        "\n\nFrames per second and the time from a frame to its row are left out: they would be the other programs'."
        if is_busy(record)
        else ""
    )
    return f"{markdown_table(header, cells)}{without}"


def peers(record: dict[str, Any]) -> str:
    """Markdown table of tools side by side on each clip."""
    header = [
        "",
        "frames/s",
        "per s of processor",
        "MB",
        "faces",
        "of ours",
        "others",
        "same expression",
        "times",
    ]
    parts = []
    for clip in record["clips"]:
        rows = [_tool(clip, tool) for tool in clip["tools"]]
        parts.append(f"{clip['name']}, {clip['frames']} frames:\n\n{markdown_table(header, rows)}")
    return "\n\n".join([*parts, measured_on(record)])


def _tool(clip: dict[str, Any], tool: dict[str, Any]) -> list[str]:
    figures = tool["figures"]
    cells = [
        f"`{tool['name']}`",
        f"{figures['frames_per_s']:.3g}",
        f"{figures['frames_per_processor_s']:.3g}",
        f"{figures['peak_mb']:.0f}",
        f"{tool['faces']}",
    ]
    if tool["name"] == OURS:
        return [*cells, "", "", "", ""]
    found = tool["beside_ours"]
    return [
        *cells,
        percent(found["share_of_faces"]),
        f"{found['extra']}",
        percent(found["share_of_expressions"]),
        f"{times_as_fast(clip, tool, 'frames_per_s'):.1f} (whole command "
        f"{times_as_fast(clip, tool, 'whole_frames_per_s'):.1f})",
    ]


_GROWTH = {
    "length": "a video so many frames long",
    "resolution": "frames of so many pixels",
    "faces": "so many faces in a frame",
    "clients": "so many clients at once on one server",
}


def growth(record: dict[str, Any]) -> str:
    """Markdown table of how the cost grows."""
    rows = [
        [
            _GROWTH[name],
            "; ".join(f"{point['size']:,.0f}: {point['cost_s']:.2f} s" for point in curve["points"]),
            f"{curve['exponent']:.2f}",
        ]
        for name, curve in record["curves"].items()
    ]
    header = ["", "cost, core-seconds", "exponent"]
    return (
        f"{markdown_table(header, rows, 2)}\n\n{record['video']}, {record['detector']}. {measured_on(record)}"
    )


def serving(record: dict[str, Any]) -> str:
    """Markdown tables of throughput and latency by perf_analyzer."""
    header = ["", "batch", "at once", "faces/s", "undisturbed", "of bare", "p50, ms", "p95, ms", "p99, ms"]
    curves = [_served(point, record, _model(point)) for point in record["points"]]
    parts = [markdown_table(header, curves)]
    if record["settings"]:
        settings = [
            _served(
                point,
                record,
                f"{point['instances']} instances, dynamic batching {'on' if point['dynamic_batching'] else 'off'}",
            )
            for point in record["settings"]
        ]
        parts.append(markdown_table(["`fer` with", *header[1:]], settings))
    return "\n\n".join([*parts, f"{best_line(record)} {measured_on(record)}"])


def _model(point: dict[str, Any]) -> str:
    return f"`{point['model']}`{', shared memory' if point['shared_memory'] else ''}"


def _served(point: dict[str, Any], record: dict[str, Any], words: str) -> list[str]:
    share = share_of_bare(point, record["bare"])
    return [
        words,
        f"{point['batch']}",
        f"{point['concurrency']}",
        f"{point['faces_per_s']:.0f}",
        f"{undisturbed(point):.0f}",
        "" if share is None else f"{share:.2f}",
        *(f"{point[f'p{percentile}_ms']:.1f}" for percentile in (50, 95, 99)),
    ]


def start(record: dict[str, Any]) -> str:
    """Markdown table of when the stages up to the first row end; wall times alone where little else ran."""
    clocks = {"processor_s": "the client's processor, s"}
    if not is_busy(record):
        clocks = {"wall_s": "s"} | clocks
    kinds = {RUNNING: "a server runs", EMBEDDED: "embedded server"}
    header = ["until", *(f"{words}: {unit}" for words in kinds.values() for unit in clocks.values())]
    stages = {kind: record["starts"][kind]["stages"] for kind in kinds}
    rows = [
        [words, *(f"{stages[kind][stage][clock]:.2f}" for kind in kinds for clock in clocks)]
        for stage, words in SHOWN.items()
        if all(stage in ended for ended in stages.values())
    ]
    runs = len(record["starts"][RUNNING]["runs"])
    without = " Seconds are left out: they would be the other programs'." if is_busy(record) else ""
    return (
        f"{markdown_table(header, rows)}\n\n{record['video']}, the quickest of {runs} runs.{without} "
        f"{measured_on(record)}"
    )


def precision(record: dict[str, Any]) -> str:
    """Markdown table of a network's size, speed and accuracy in each precision."""
    networks = record["networks"]
    rows = [
        ["file", *(f"{one['bytes'] / 1e6:.1f} MB" for one in networks.values())],
        ["faces per core-second", *(f"{one['1 thread']['faces_per_s']:,}" for one in networks.values())],
        *(
            [
                f"speed over the first, {name}",
                *(f"{one[name]['times_as_fast']:.1f} times" for one in networks.values()),
            ]
            for name in ("1 thread", "2 threads")
        ),
        ["right by the voters", *(_share(one.get("voters")) for one in networks.values())],
        ["right by the labels", *(_share(one["labels"]) for one in networks.values())],
    ]
    instructions = ", ".join(record["int8_instructions"]) or "no instructions for INT8"
    about = (
        f"{record['processor']} ({instructions}), ONNX Runtime\n{record['onnxruntime']}, batches of {record['batch']}, "
        f"load {record['load']:.1f} beside it; {record['data']}:"
    )
    return f"{about}\n\n{markdown_table(['', *networks], rows)}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.2f} %"


def faults(record: dict[str, Any]) -> str:
    """Markdown table of what the tests tried, what happened, and what was lost."""
    rows = [
        [f"{row['kind']}: {row['fault']}", row["happened"], row["lost"], str(row["tried"])]
        for row in record["faults"]
    ]
    return markdown_table(["fault or input", "what happened", "what was lost", "tried"], rows, left=3)


PARTS = (
    ("speed.md", "client.json", "agreement", agreement),
    ("speed.md", "client.json", "speed", speed),
    ("accuracy.md", "muxspace.json", "accuracy", accuracy),
    ("accuracy.md", "detector.json", "detector", detector.table),
    ("live.md", "live.json", "live", live),
    ("speed.md", "original.json", "latency", latency),
    ("../README.md", "original.json", "latency", latency),
    ("speed.md", "original.json", "costs", costs),
    ("speed.md", "peers.json", "peers", peers),
    ("speed.md", "growth.json", "growth", growth),
    ("speed.md", "start.json", "start", start),
    ("serving.md", "serving.json", "serving", serving),
    ("serving.md", "precision.json", "precision", precision),
    ("robustness.md", "robustness.json", "faults", faults),
)
"""Page, file of figures, name of the part, and what lays the figures out."""


def write(results: Path, docs: Path) -> None:
    """Write every part of the pages."""
    for page, source, part, text in PARTS:
        write_part(docs / page, f"{COMMAND}, {part}", text(_read(results / source)))


def draw(results: Path, docs: Path) -> None:
    """Draw the curves."""
    draw_serving(_read(results / "serving.json"), docs / "serving.png")
    draw_growth(_read(results / "growth.json"), docs / "growth.png")


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    for make in (write, draw):
        make(Path(__file__).with_name("results"), _ROOT / "docs")

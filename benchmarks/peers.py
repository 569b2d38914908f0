"""Measure the `fer` package beside this client, on the same frames of the same clips: speed, memory, faces, agreement.

    python -m benchmarks peers VIDEO... [--frames 200] [--mtcnn] [--runs 1]

Each peer runs in a folder of packages that this makes, from pinned and hashed files in `benchmarks/environments/`:
with its Haar cascade by default, with --mtcnn (PyTorch, several GB) with that too. A peer is measured without its
loading, this client as a whole: from the command to its end, server and all, and what its analysis alone takes
beside it. Neither is the truth: of the faces, those that both found are told, and those that one alone did.

How often each names the right expression on FER2013 is measured by `benchmarks.peer_accuracy` and `fer-train`.
"""

import argparse
import csv
import json
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import av

from benchmarks.agreement import Agreement, Row, compare
from benchmarks.environments import environment, run_python
from benchmarks.pairing import run_command
from fer_client.bench.cost import measured
from fer_client.bench.measuring import medians
from fer_client.cli.console import notify
from fer_client.faces.detection import YUNET_NAME, DetectorChoice, choose_detector
from fer_client.media.sources import video_file
from fer_client.outputs.result import write_result
from fer_client.pipeline.context import open_job
from fer_client.pipeline.interruption import Interruption
from fer_client.settings import AUTO, Settings, usable_cores

PEERS = {"haar": ("fer",), "mtcnn": ("fer", "mtcnn")}
"""How the package finds faces, and the files of packages that it needs for that."""

OURS = "fer-client"


def options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("videos", type=Path, nargs="+", metavar="VIDEO")
    parser.add_argument("--frames", type=int, default=200, help="most frames of each clip (default 200)")
    parser.add_argument("--mtcnn", action="store_true", help="measure it too; gets several GB once")
    parser.add_argument("--runs", type=int, default=1, help="of each; they take turns (default 1)")


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure every clip and return the record."""
    choice = choose_detector(AUTO, arguments.detector_model, Settings().min_score)
    finders = ["haar", *(["mtcnn"] if arguments.mtcnn else [])]
    folders = {finder: environment(*PEERS[finder]) for finder in finders}
    clips = []
    with tempfile.TemporaryDirectory() as folder:
        for video in arguments.videos:
            clip = Path(folder) / f"{video.stem}.mkv"
            first_frames(video, clip, arguments.frames)
            clips.append(_clip(video.name, clip, choice, folders, arguments.runs))
    return {"cores": usable_cores(), "detector": choice.name, "clips": clips}


def first_frames(video: Path, out: Path, most: int) -> None:
    """Write the first frames of a video without coding them anew, as far as decoding them needs no later ones."""
    with av.open(str(video)) as source, av.open(str(out), "w") as target:
        origin = source.streams.video[0]
        stream = target.add_stream_from_template(origin)
        count = 0
        for packet in source.demux(origin):
            if packet.dts is None:
                continue
            if count == most:
                break
            packet.stream = stream
            target.mux(packet)
            count += 1


def _clip(
    name: str, clip: Path, choice: DetectorChoice, folders: dict[str, Path], runs: int
) -> dict[str, Any]:
    ours: list[dict[str, Any]] = []
    theirs: dict[str, list[dict[str, Any]]] = {finder: [] for finder in folders}
    rows: list[Row] = []
    seen: dict[str, list[Row]] = {}
    script = Path(__file__).with_name("peer.py")
    for number in range(runs):
        notify(f"{name}: {OURS}, run {number + 1} of {runs}")
        own, rows = _own_run(clip, choice)
        ours.append(own)
        for finder, folder in folders.items():
            notify(f"{name}: fer with {finder}, run {number + 1} of {runs}")
            answer = json.loads(run_python(folder, script, str(clip), "1000000", finder).splitlines()[-1])
            theirs[finder].append(_peer_run(answer))
            seen[finder] = peer_rows(answer["faces"])
    frames = len({row["frame"] for row in rows})
    return {
        "name": name,
        "frames": frames,
        "tools": [
            {"name": OURS, "figures": medians(ours), "runs": ours, **_found(rows)},
            *(
                {
                    "name": f"fer, {finder}",
                    "figures": medians(taken),
                    "runs": taken,
                    **_found(seen[finder]),
                    "beside_ours": beside(rows, seen[finder]),
                }
                for finder, taken in theirs.items()
            ),
        ],
    }


def _own_run(clip: Path, choice: DetectorChoice) -> tuple[dict[str, Any], list[Row]]:
    interruption = Interruption()
    whole = run_command(clip, Path(choice.source) if choice.name == YUNET_NAME else None)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "result"
        settings = replace(Settings(), partial=True)
        with open_job(settings, choice, None, _silent, interruption) as job, measured() as cost:
            result, _ = write_result(video_file(clip), target, job, lambda _: None)
        with (target / "faces.csv").open(newline="", encoding="utf-8") as file:
            rows: list[Row] = list(csv.DictReader(file))
    figures = {
        "frames_per_s": result["frames_analysed"] / cost.wall_s,
        "frames_per_processor_s": result["frames_analysed"] / cost.own_s,
        "whole_frames_per_s": result["frames_analysed"] / whole["wall_s"],
        "whole_frames_per_processor_s": result["frames_analysed"] / whole["processor_s"],
        "peak_mb": (cost.peak_mb or 0.0) + (cost.server_peak_mb or 0.0),
    }
    return figures, rows


def _silent(_sentence: str) -> None:
    pass


def _peer_run(answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "frames_per_s": answer["frames"] / answer["wall_s"],
        "frames_per_processor_s": answer["frames"] / answer["processor_s"],
        "peak_mb": answer["peak_mb"],
    }


def peer_rows(frames: Sequence[Sequence[dict[str, Any]]]) -> list[Row]:
    """Turn a peer's faces of each frame into rows as those of faces.csv; a frame without any has an empty one."""
    none = dict.fromkeys(("x", "y", "w", "h", "expression"), "")
    return [
        {"frame": str(number), **{name: str(value) for name, value in face.items()}}
        for number, faces in enumerate(frames)
        for face in (faces or [none])
    ]


def _found(rows: Sequence[Row]) -> dict[str, int]:
    faces = [row for row in rows if row["expression"]]
    return {"faces": len(faces), "frames_with_face": len({row["frame"] for row in faces})}


def beside(ours: Sequence[Row], theirs: Sequence[Row]) -> dict[str, Any]:
    """Count the faces of one table that the other has at the same place, and the same expressions on them.

    Shares are of ours; `share_of_expressions` is of the faces that both have. None where there is none.
    """
    found: Agreement = compare(ours, theirs, 0)
    return {
        "found": found.found,
        "share_of_faces": found.found / found.faces if found.faces else None,
        "extra": found.extra,
        "share_of_expressions": found.expressions / found.found if found.found else None,
    }


def report(record: dict[str, Any]) -> str:
    """Lay the tools out, one per line, clip by clip."""
    lines = []
    for clip in record["clips"]:
        lines.append(f"{clip['name']}, {clip['frames']} frames, {record['cores']} cores:")
        for tool in clip["tools"]:
            figures = tool["figures"]
            lines.append(
                f"  {tool['name']:<11} {figures['frames_per_s']:7.1f} frames/s, "
                f"{figures['frames_per_processor_s']:7.1f} per second of processor time, {figures['peak_mb']:.0f} MB, "
                f"{tool['faces']} faces{_beside(tool.get('beside_ours'))}"
            )
    return "\n".join(lines)


def _beside(found: dict[str, Any] | None) -> str:
    if not found or found["share_of_faces"] is None or found["share_of_expressions"] is None:
        return ""
    return (
        f", {100 * found['share_of_faces']:.0f} % of ours and {found['extra']} others; "
        f"{100 * found['share_of_expressions']:.0f} % of the expressions the same"
    )


def times_as_fast(clip: dict[str, Any], tool: dict[str, Any], figure: str) -> float:
    """Return this client's figure over a tool's, as the median over the runs, which took turns."""
    ours = next(one for one in clip["tools"] if one["name"] == OURS)
    theirs = figure.removeprefix("whole_")
    return statistics.median(
        own[figure] / other[theirs] for own, other in zip(ours["runs"], tool["runs"], strict=True)
    )

"""Speed and accuracy of one network in several precisions, side by side in one run.

    python -m benchmarks.precision fp32=model_repository/expression/1/model.onnx int8=… --data data/fer2013 --out FILE

The first is what the others are compared with. Speed is that of bare ONNX Runtime: the networks take turns, so that
other load on the machine hits all alike, and a ratio is the median over the turns. One thread is timed by its own
processor time, which leaves out what others take; two by the clock. Accuracy is that on PublicTest.
"""

import json
import os
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from fer_client.cli import console
from fer_client.errors import InputError
from fer_training.data.dataset import Dataset, load_dataset, majority_classes, rows_of

BATCH = 32
THREADS = (1, 2)
TURNS = 20
SPLIT = "PublicTest"

ARITHMETIC = ("avx512_vnni", "avx_vnni", "amx_int8")
"""Instructions for INT8, as Linux names them."""

Session = Any
"""`onnxruntime.InferenceSession`, which the base installation lacks."""


def main(
    networks: Annotated[
        list[str], typer.Argument(metavar="NAME=FILE...", help="ONNX files of `expression`.")
    ],
    data: Annotated[Path, typer.Option(help="A folder that `fer-train prepare` wrote.")],
    out: Annotated[Path | None, typer.Option(help="Where to write the record.")] = None,
) -> None:
    """Measure and print the record."""
    files = {name: Path(file) for name, _, file in (network.partition("=") for network in networks)}
    record = json.dumps(measure(files, load_dataset(data)), indent=2)
    typer.echo(record)
    if out is not None:
        out.write_text(f"{record}\n", encoding="utf-8")


def measure(files: Mapping[str, Path], dataset: Dataset) -> dict[str, Any]:
    """Figures of every network by its name; see the module."""
    import onnxruntime as ort

    rows = rows_of(dataset, SPLIT)
    figures: dict[str, dict[str, Any]] = {}
    for name, file in files.items():
        session = _session(file, 0)
        pictures = _network_input(session, dataset, rows)
        figures[name] = {
            "bytes": file.stat().st_size,
            **_accuracy(_answers(session, pictures), dataset, rows),
        }
    for threads in THREADS:
        sessions = {name: _session(file, threads) for name, file in files.items()}
        for name, speed in _speeds(sessions, pictures, threads).items():
            figures[name][f"{threads} threads" if threads > 1 else "1 thread"] = speed
    return {
        **_processor(),
        "onnxruntime": ort.__version__,
        "load": round(os.getloadavg()[0], 1),
        "batch": BATCH,
        "data": f"{dataset.description['name']} {SPLIT}",
        "networks": figures,
    }


def _processor() -> dict[str, Any]:
    """The processor's name, and which of its instructions speed up INT8."""
    told = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    name = re.search(r"model name\s*: (.+)", told)
    flags = set(told.split())
    return {
        "processor": name[1] if name else "unknown",
        "int8_instructions": [flag for flag in ARITHMETIC if flag in flags],
    }


def _session(file: Path, threads: int) -> Session:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def _network_input(session: Session, dataset: Dataset, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """FP32 [N, height, width, 1] in the range that the export recorded."""
    shape = tuple(session.get_inputs()[0].shape[1:])
    recorded = session.get_modelmeta().custom_metadata_map.get("input_range")
    images = np.asarray(dataset.images[rows])[..., None]
    if recorded is None or shape != images.shape[1:]:
        raise InputError(
            f"Expected a network that fer-export wrote, for pictures {list(images.shape[1:])}, got one for "
            f"{list(shape)}."
        )
    low, high = json.loads(recorded)
    return np.asarray(images * np.float32((high - low) / 255) + np.float32(low), np.float32)


def _answers(session: Session, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    name = session.get_inputs()[0].name
    parts = [
        session.run(["EXPRESSION"], {name: pictures[start : start + BATCH]})[0]
        for start in range(0, len(pictures), BATCH)
    ]
    return np.concatenate(parts)


def _accuracy(answers: NDArray[np.float32], dataset: Dataset, rows: NDArray[np.intp]) -> dict[str, Any]:
    """Shares of right answers by single people's labels and, with votes, by the class that most voters chose."""
    chosen = answers.argmax(axis=1)
    figures: dict[str, Any] = {
        "images": len(rows),
        "labels": round(float((chosen == dataset.labels[rows]).mean()), 4),
    }
    if dataset.votes is not None:
        majority = majority_classes(np.asarray(dataset.votes[rows]), dataset.label_names)
        figures["voted"] = int((majority >= 0).sum())
        figures["voters"] = round(float((chosen == majority)[majority >= 0].mean()), 4)
    return figures


def _speeds(
    sessions: Mapping[str, Session], pictures: NDArray[np.float32], threads: int
) -> dict[str, dict[str, float]]:
    """Faces a second in the fastest turn, and how many times as fast as the first network in the median one."""
    clock = time.process_time if threads == 1 else time.perf_counter
    times: dict[str, list[float]] = {name: [] for name in sessions}
    for turn in range(TURNS + 1):
        for name, session in sessions.items():
            feed = {session.get_inputs()[0].name: pictures[:BATCH]}
            start = clock()
            session.run(None, feed)
            if turn:  # the first one warms up
                times[name].append(clock() - start)
    first = next(iter(times.values()))
    return {
        name: {
            "faces_per_s": round(BATCH / min(own)),
            "times_as_fast": round(median(a / b for a, b in zip(first, own, strict=True)), 2),
        }
        for name, own in times.items()
    }


if __name__ == "__main__":
    app = typer.Typer(add_completion=False)
    app.command()(main)
    console.run(app, "python -m benchmarks.precision", sys.argv[1:])

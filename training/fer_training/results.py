"""Measured results as files, and the table in the docs made from them.

A results file is a training record without its per-class figures, with the cost and latency of the network added.
`fer-train table` writes the table between two marks in a Markdown file, so that no figure is typed by hand.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fer_client.errors import InputError
from fer_training.files import replacing, write_json
from fer_training.history import read_history

BEGIN = "<!-- results: written by `fer-train table`, do not edit -->"
END = "<!-- end of results -->"

FIGURES = ("images", "accuracy", "four_category_accuracy", "macro_f1", "ece")

COLUMNS = (
    "network", "recipe", "epochs", "parameters", "multiply-adds", "latency, ms",
    "PublicTest", "PrivateTest", "four categories", "calibration error", "training",
)  # fmt: skip


def result_of(record: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """Keep what a table needs of a record; `extra` adds cost, latency and training time."""
    kept = {name: record[name] for name in ("architecture", "data", "recipe", "seed", "epochs", "versions")}
    kept["data"] = {name: record["data"][name] for name in ("name", "sha256")}
    kept["metrics"] = {
        split: {name: figures[name] for name in FIGURES if name in figures}
        for split, figures in record["metrics"].items()
    }
    return kept | extra


def write_result(weights: Path, out: Path, onnx: Path | None = None) -> None:
    """Write a results file for trained weights, with latency where the network's ONNX file is given.

    The training time is that of the run's history, where it still lies beside the weights.
    Raises InputError when the weights were not evaluated.
    """
    from fer_training.cost import cost
    from fer_training.record import load_network, load_record

    record = load_record(weights)
    if "ece" not in record["metrics"].get("PublicTest", {}):
        raise InputError(
            f"Expected weights that were evaluated, but {weights} were not. Run `fer-train evaluate` first."
        )
    counted = cost(load_network(weights))
    extra: dict[str, Any] = {"parameters": counted.parameters, "multiply_adds": counted.multiply_adds}
    history = read_history(weights.with_name("history.csv"))
    if history:
        extra["training_s"] = round(sum(epoch.seconds for epoch in history))
    if onnx is not None:
        extra["latency_ms"] = round(latency_ms(onnx), 3)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_json(out, result_of(record, extra))


def latency_ms(onnx: Path, runs: int = 200) -> float:
    """Median time of ONNX Runtime for one face on one CPU thread, in milliseconds, after a tenth of warm-up."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    taken = session.get_inputs()[0]
    shape = [size if isinstance(size, int) else 1 for size in taken.shape]
    kind = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32}[taken.type]
    face = np.random.default_rng(0).integers(0, 2, shape).astype(kind)
    times = []
    for _ in range(runs + runs // 10):
        started = time.perf_counter()
        session.run(None, {taken.name: face})
        times.append(time.perf_counter() - started)
    return 1e3 * float(np.median(times[runs // 10 :]))


def read_results(folder: Path) -> list[dict[str, Any]]:
    """Read all results of a folder, the best on PublicTest first; InputError where one is damaged."""
    results = []
    for path in sorted(folder.glob("*.json")):
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
            float(result["metrics"]["PublicTest"]["accuracy"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"Expected a results file at {path}, but it is damaged ({error}). Write it anew."
            ) from error
        results.append(result | {"name": path.stem})
    return sorted(results, key=lambda result: -result["metrics"]["PublicTest"]["accuracy"])


def table(results: Sequence[dict[str, Any]]) -> str:
    """Markdown table, one line per result."""
    lines = [_line(COLUMNS), _line(["---"] * 3 + ["---:"] * (len(COLUMNS) - 3))]
    return "\n".join([*lines, *(_line(_cells(result)) for result in results)])


def write_table(document: Path, results: Sequence[dict[str, Any]]) -> None:
    """Put the table between the marks of a Markdown file; InputError where the marks are missing."""
    text = document.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(
            f"Expected the lines `{BEGIN}` and `{END}` in {document}. Put them where the table belongs."
        )
    with replacing(document) as beside:
        beside.write_text(f"{before}{BEGIN}\n\n{table(results)}\n\n{END}{after}", encoding="utf-8")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(result: dict[str, Any]) -> list[str]:
    public = result["metrics"]["PublicTest"]
    private = result["metrics"].get("PrivateTest", {})
    return [
        result["name"],
        result["recipe"].get("name", "–"),
        str(result["epochs"]),
        f"{result['parameters'] / 1e3:.0f} k",
        f"{result['multiply_adds'] / 1e6:.1f} M",
        f"{result['latency_ms']:.1f}" if "latency_ms" in result else "–",
        _percent(public.get("accuracy")),
        _percent(private.get("accuracy")),
        _percent(private.get("four_category_accuracy")),
        _percent(private.get("ece")),
        f"{result['training_s'] / 60:.0f} min" if "training_s" in result else "–",
    ]


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"

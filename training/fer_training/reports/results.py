"""Measured results as files, and the table in the docs made from them.

A results file is a training record without its confusion matrices, with the cost and latency of the network added.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from fer_client.errors import InputError
from fer_training.data.dataset import SPLITS
from fer_training.files import write_json
from fer_training.fitting.history import read_history
from fer_training.reports.documents import markdown_table, percent, percent_over

FIGURES = (
    "images", "accuracy", "four_category_accuracy", "macro_f1", "ece", "ece_before_temperature",
    "precision", "recall", "without_copies_of_training", "voters",
)  # fmt: skip

SHOWN = {
    "voters, seven classes": ("voters", "majority_accuracy"),
    "voters, four categories": ("voters", "four_category_majority_accuracy"),
    "voters, calibration error": ("voters", "ece"),
    "labels, seven classes": ("accuracy",),
    "labels, four categories": ("four_category_accuracy",),
    "labels, calibration error": ("ece",),
}
"""What is told of each split, by the title of its column: where the figure stands in the split's metrics."""

Result: TypeAlias = dict[str, Any]

COLUMNS = (
    "architecture", "epoch", "parameters", "multiply-adds", "latency, ms",
    *(f"{split}: {title}" for split in SPLITS[1:] for title in SHOWN), "training",
)  # fmt: skip


def result_of(record: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """Keep what a table needs of a record; `extra` adds cost, latency and training time."""
    kept = {name: record[name] for name in ("architecture", "data", "recipe", "seed", "epochs", "versions")}
    kept |= {name: record[name] for name in ("teachers", "start", "average_of", "limits") if record.get(name)}
    kept |= {name: record[name] for name in ("temperature_fitted_on",) if name in record}
    kept["data"] = {name: record["data"][name] for name in ("name", "sha256")}
    kept["metrics"] = {
        split: {name: figures[name] for name in FIGURES if name in figures}
        for split, figures in record["metrics"].items()
    }
    return kept | extra


def write_result(weights: Path, out: Path, onnx: Path | None = None) -> None:
    """Write a results file for trained weights, with latency where the network's ONNX file is given.

    The training time is that of the fastest epoch times the epochs, since other load only ever adds; it needs the
    run's history beside the weights.
    Raises InputError when the weights were not evaluated.
    """
    from fer_training.models.cost import cost
    from fer_training.models.record import load_network, load_record

    record = load_record(weights)
    if "ece" not in record["metrics"].get("PublicTest", {}):
        raise InputError(
            f"Expected weights that were evaluated, but {weights} were not. Run `fer-train evaluate` first."
        )
    counted = cost(load_network(weights))
    extra: dict[str, Any] = {"parameters": counted.parameters, "multiply_adds": counted.multiply_adds}
    history = read_history(weights.with_name("history.csv"))
    if history:
        extra["training_s"] = round(len(history) * min(epoch.seconds for epoch in history))
    if onnx is not None:
        extra["latency_ms"] = round(_latency_ms(onnx), 3)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_json(out, result_of(record, extra))


def _latency_ms(onnx: Path) -> float:
    """Median time of ONNX Runtime for one face on one CPU thread, in milliseconds, as `fer-export` measures it."""
    from fer_export.sessions import latency_ms, open_session

    model = onnx.read_bytes()
    taken = open_session(model).get_inputs()[0]
    shape = [size if isinstance(size, int) else 1 for size in taken.shape]
    kind = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32}[taken.type]
    return latency_ms(model, np.zeros(shape, kind))


def read_results(folder: Path) -> list[dict[str, Any]]:
    """Read all results of a folder; InputError where one is damaged or none is there.

    The best on PublicTest come first: by the voters those that were judged by them, then the others by the labels.
    """
    results = [read_result(path) for path in sorted(folder.glob("*.json"))]
    if not results:
        raise InputError(
            f"Expected results files NAME.json in {folder}, but found none. Write them with `fer-train result`."
        )
    return sorted(results, key=_order)


def _order(result: dict[str, Any]) -> tuple[float, float]:
    public = result["metrics"]["PublicTest"]
    return -(figure(public, "voters", "majority_accuracy") or 0), -public["accuracy"]


def figure(metrics: dict[str, Any], *place: str) -> float | None:
    """Look a figure up in a split's metrics; None where it was not measured."""
    for name in place[:-1]:
        metrics = metrics.get(name) or {}
    return metrics.get(place[-1])


def read_result(path: Path) -> dict[str, Any]:
    """Read one results file of expressions, with its name added; InputError where it is damaged."""
    result = read_json(path)
    try:
        float(result["metrics"]["PublicTest"]["accuracy"])
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, error) from error
    return result | {"name": path.stem}


def read_json(path: Path) -> dict[str, Any]:
    """Read one results file of any target; InputError where it is damaged."""
    try:
        result = dict(json.loads(path.read_text(encoding="utf-8")))
        result["metrics"]["PublicTest"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error
    return result


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(f"Expected a results file at {path}, but it is damaged ({error}). Write it anew.")


def tables(results: Sequence[dict[str, Any]]) -> str:
    """Markdown: one table per recipe and dataset, so that each compares what had the same budget.

    A line is one result, or all those of an architecture that differ in their seeds: their mean and, behind ±, their
    standard deviation.
    """
    parts = []
    for title in dict.fromkeys(map(_title, results)):
        rows = [_cells(runs) for runs in _runs([result for result in results if _title(result) == title])]
        parts.append(f"{title}:\n\n{markdown_table(*_without_empty_columns(rows))}")
    return "\n\n".join(parts)


def _without_empty_columns(rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """Leave out what was measured for none of the rows, such as PrivateTest of networks that do not ship."""
    columns = [index for index in range(len(COLUMNS)) if any(row[index] != "–" for row in rows)]
    return [COLUMNS[index] for index in columns], [[row[index] for index in columns] for row in rows]


def _title(result: dict[str, Any]) -> str:
    """What the results of one table have in common; the checksum tells preparations of one dataset apart."""
    recipe, data = result["recipe"], result["data"]
    return f"Recipe `{recipe['name']}`, {recipe['epochs']} epochs, on {data['name']} (SHA-256 {data['sha256'][:12]}…)"


def _runs(results: Sequence[Result]) -> list[list[Result]]:
    """Put together what differs in its seed alone, the best first."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result["architecture"], []).append(result)
    apart: list[list[Result]] = []
    for group in groups.values():
        is_one = len({result["seed"] for result in group}) == len(group)
        apart += [group] if is_one else [[result] for result in group]
    return sorted(apart, key=lambda group: np.mean([_order(result) for result in group], axis=0).tolist())


def _cells(runs: Sequence[Result]) -> list[str]:
    """Cells of the runs' line; their cost is the same, and of times the least counts, since other load only adds."""
    first, seeds = runs[0], f", {len(runs)} seeds" if len(runs) > 1 else ""
    latencies, times = (_known(runs, name) for name in ("latency_ms", "training_s"))
    return [
        f"`{first['architecture']}`{seeds}",
        ", ".join(dict.fromkeys(str(run["epochs"]) for run in runs)),
        f"{first['parameters'] / 1e3:.0f} k",
        f"{first['multiply_adds'] / 1e6:.1f} M",
        f"{min(latencies):.1f}" if latencies else "–",
        *(
            percent_over([figure(run["metrics"].get(split, {}), *place) for run in runs])
            for split in SPLITS[1:]
            for place in SHOWN.values()
        ),
        f"{min(times) / 60:.0f} min" if times else "–",
    ]


def _known(runs: Sequence[Result], name: str) -> list[float]:
    return [run[name] for run in runs if name in run]


def headline(results: Sequence[dict[str, Any]]) -> str:
    """Markdown: the figures of PrivateTest, a column for each result, under the name of its file.

    Raises InputError for a network that was not judged on PrivateTest.
    """
    require_private_test(results)
    judged = [result["metrics"]["PrivateTest"] for result in results]
    rows = [
        [f"by the {title}", *(percent(figure(metrics, *place)) for metrics in judged)]
        for title, place in SHOWN.items()
    ]
    return markdown_table(["PrivateTest", *(f"`{result['name']}`" for result in results)], rows)


def require_private_test(results: Sequence[dict[str, Any]]) -> None:
    """Raise InputError for a network that was not judged on PrivateTest."""
    for result in results:
        if "PrivateTest" not in result["metrics"]:
            raise InputError(
                f"Expected the results of a network that was judged on PrivateTest, but {result['name']} was not. "
                "Run `fer-train evaluate … --split PrivateTest` and `fer-train result` first."
            )

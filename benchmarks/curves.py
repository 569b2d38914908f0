"""Draw the curves of a record: throughput against latency, and cost against size."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

from benchmarks.serving import undisturbed
from fer_client.contract import MODEL

mpl.use("Agg")

from matplotlib import pyplot as plt

_DPI = 100


def draw_serving(record: dict[str, Any], out: Path) -> None:
    """Draw the ensemble's curve for each batch, one point for each number of requests at once, and the bare one."""
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    points = [point for point in record["points"] if point["model"] == MODEL]
    batches = sorted({point["batch"] for point in points})
    for number, batch in enumerate(batches):
        for shared in (False, True):
            some = [one for one in points if one["batch"] == batch and one["shared_memory"] == shared]
            axes.plot(
                [one["p95_ms"] for one in some],
                [undisturbed(one) for one in some],
                "o--" if shared else "o-",
                color=f"C{number}",
                markersize=4,
                label=None if shared else f"batches of {batch}",
            )
        bare = record["bare"][MODEL][str(batch)]
        axes.axhline(undisturbed(bare), color=f"C{number}", linewidth=0.8, linestyle=":")
    axes.axvline(record["latency_limit_ms"], color="gray", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("95th percentile of a request's latency, ms")
    axes.set_ylabel("faces per second")
    axes.set_title("1 to 8 requests at once; dashed: shared memory; dotted: bare ONNX Runtime", fontsize=9)
    axes.legend(fontsize=8)
    _save(figure, out)


def draw_growth(record: dict[str, Any], out: Path) -> None:
    """Draw each curve of cost with the straight line that fits it."""
    curves = record["curves"]
    figure, all_axes = plt.subplots(1, len(curves), figsize=(10, 2.6), layout="constrained")
    for axes, (name, curve) in zip(all_axes, curves.items(), strict=True):
        sizes = [point["size"] for point in curve["points"]]
        axes.plot(sizes, [point["cost_s"] for point in curve["points"]], "o", markersize=4)
        ends = [0.0, max(sizes)]
        axes.plot(ends, [curve["start_s"] + curve["rate_s"] * size for size in ends], linewidth=0.8)
        axes.set_title(f"{name}: exponent {curve['exponent']:.2f}", fontsize=9)
        axes.set_xlabel(curve["unit"], fontsize=8)
        axes.set_ylim(bottom=0)
        axes.tick_params(labelsize=7)
    all_axes[0].set_ylabel("core-seconds", fontsize=8)
    _save(figure, out)


def _save(figure: Any, out: Path) -> None:
    figure.savefig(out, dpi=_DPI, metadata={"Software": None})
    plt.close(figure)

"""Results of networks that tell valence and arousal, and the part of the model card that is made from them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fer_client.errors import InputError
from fer_training.evaluation.affect_metrics import DIMENSIONS, FIGURES
from fer_training.files import write_json
from fer_training.recipes import VALENCE_AROUSAL
from fer_training.reports.documents import markdown_table, percent
from fer_training.reports.results import read_json

KEPT = (
    "architecture", "target", "reads", "targets_from", "statement", "recipe", "seed", "epochs", "versions", "metrics",
)  # fmt: skip

TITLES = {"ccc": "CCC", "rmse": "RMSE", "pearson": "Pearson", "sign_agreement": "right signs"}


def write_affect_result(weights: Path, out: Path) -> None:
    """Write a results file for what `fer-train run` left; InputError where it was not evaluated."""
    from fer_training.models.record import load_network, load_record

    record = load_record(weights, VALENCE_AROUSAL)
    if "ccc" not in record["metrics"].get("PublicTest", {}):
        raise InputError(
            f"Expected weights that were evaluated, but {weights} were not. Run `fer-train evaluate` first."
        )
    kept = {name: record[name] for name in KEPT}
    kept |= {name: record[name] for name in ("trunk", "start") if record.get(name)}
    kept["data"] = {name: record["data"][name] for name in ("name", "sha256")}
    out.parent.mkdir(parents=True, exist_ok=True)
    write_json(out, kept | {"parameters": load_network(weights).count_params()})


def affect_card(path: Path) -> str:
    """Markdown: what the served numbers are, and their figures beside those of the other results in the folder.

    Others are told where they stand behind the same network. Raises InputError for a damaged file, and where the served
    one was not judged on PrivateTest.
    """
    served = read_json(path)
    if "PrivateTest" not in served["metrics"]:
        raise InputError(
            f"Expected the results of what was judged on PrivateTest, but {path} were not. "
            "Run `fer-train evaluate … --split PrivateTest` and `fer-train result` first."
        )
    found = [read_json(other) for other in sorted(path.parent.glob("*.json")) if other != path]
    others = [result for result in found if result.get("trunk") == served.get("trunk")]
    return f"{served['statement']}\n\n{_table(served, others)}\n\n{_verdict(others)}".strip()


def _table(served: dict[str, Any], others: Sequence[dict[str, Any]]) -> str:
    rows = []
    for result, word in ((served, ", served"), *((other, "") for other in others)):
        for split, figures in result["metrics"].items():
            name = f"`{result['architecture']}`{word}"
            rows.append([name, split, *_cells(figures)])
            rows.append([name, f"{split} without copies", *_cells(figures["without_copies_of_training"])])
    header = [f"{dimension}: {TITLES[name]}" for dimension in DIMENSIONS for name in FIGURES]
    return markdown_table(["network", "images of", "images", *header], rows, left=2)


def _cells(figures: dict[str, Any]) -> list[str]:
    cells = [f"{figures['images']:,}"]
    for dimension in DIMENSIONS:
        told = figures.get(dimension, {})
        cells += [
            percent(told.get(name)) if name == "sign_agreement" else _number(told.get(name))
            for name in FIGURES
        ]
    return cells


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:z.4f}"


def _verdict(others: Sequence[dict[str, Any]]) -> str:
    """Say which of the others beat the product on PublicTest in concordance and error of both dimensions."""
    told = []
    for result in others:
        beats = result["metrics"]["PublicTest"].get("beats_product")
        if beats is not None:
            verb = "beats" if beats else "does not beat"
            told.append(
                f"`{result['architecture']}` {verb} the product on PublicTest in CCC and RMSE of both."
            )
    return " ".join(told)

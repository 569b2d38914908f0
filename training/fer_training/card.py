"""The figures of a model card, from the results file of the network that is served (Mitchell et al. 2019)."""

from typing import Any

from fer_client.errors import InputError
from fer_training.documents import markdown_table, percent

_FIGURES = ("accuracy", "four_category_accuracy", "macro_f1")


def card(result: dict[str, Any]) -> str:
    """Markdown: what the network is, how good it is on both splits, and how it treats each class.

    Raises InputError for a network that was not judged on PrivateTest.
    """
    if "PrivateTest" not in result["metrics"]:
        raise InputError(
            f"Expected the results of a network that was judged on PrivateTest, but {result['name']} was not. "
            "Run `fer-train evaluate … --split PrivateTest` and `fer-train result` first."
        )
    metrics = result["metrics"]
    parts = [_network(result), _accuracy(metrics), _classes(metrics), _limits(result.get("limits", {}))]
    return "\n\n".join(filter(None, parts))


def _network(result: dict[str, Any]) -> str:
    latency = result.get("latency_ms")
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    facts = {
        "architecture": f"`{result['architecture']}`",
        "parameters": f"{result['parameters']:,}",
        "multiply-adds for one face": f"{result['multiply_adds'] / 1e6:.1f} M",
        "one face on one CPU thread, ONNX Runtime": "–" if latency is None else f"{latency:.1f} ms",
        "data": f"{result['data']['name']}, SHA-256 of the prepared images {result['data']['sha256'][:12]}…",
        "recipe": f"`{result['recipe']['name']}`, weights of epoch {result['epochs']} of "
        f"{result['recipe']['epochs']}, seed {result['seed']}{_origin(result)}",
        "software": versions,
    }
    return markdown_table(["network", ""], [[name, value] for name, value in facts.items()], left=2)


def _origin(result: dict[str, Any]) -> str:
    parts = [f"mean of {len(members)} networks"] if (members := result.get("average_of")) else []
    parts += ["begun with trained weights"] if result.get("start") else []
    if teachers := result.get("teachers"):
        parts.append(f"{len(teachers)} teacher{'s' if len(teachers) > 1 else ''}")
    return "".join(f", {part}" for part in parts)


def _accuracy(metrics: dict[str, Any]) -> str:
    rows = []
    for split, figures in metrics.items():
        alone = figures["without_copies_of_training"]
        before = percent(figures["ece_before_temperature"])
        for name, part, raw in ((split, figures, before), (f"{split} without copies", alone, "–")):
            shares = [percent(part[figure]) for figure in _FIGURES]
            rows.append([name, f"{part['images']:,}", *shares, raw, percent(part["ece"])])
    header = ["split", "images", "seven classes", "four categories", "macro-F1"]
    return markdown_table([*header, "calibration error before temperature", "after"], rows)


def _classes(metrics: dict[str, Any]) -> str:
    private = metrics["PrivateTest"]
    rows = [
        [label, percent(private["precision"][label]), percent(recall)]
        for label, recall in private["recall"].items()
    ]
    return markdown_table(["class, on PrivateTest", "precision", "recall"], rows)


def _limits(limits: dict[str, Any]) -> str:
    rows = [[name, percent(part["accuracy"]), percent(part["ece"])] for name, part in limits.items()]
    header = ["PublicTest, 48×48 pictures made worse", "seven classes", "calibration error"]
    return markdown_table(header, rows) if rows else ""

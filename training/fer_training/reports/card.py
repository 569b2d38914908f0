"""The figures of a model card, from the results file of the network that is served (Mitchell et al. 2019)."""

from typing import Any

from fer_training.reports.documents import markdown_table, number, percent
from fer_training.reports.results import require_private_test

_FIGURES = ("accuracy", "four_category_accuracy", "macro_f1")


def card(result: dict[str, Any]) -> str:
    """Markdown: what the network is and learned, how good it is by voters and labels, and how it treats each class.

    Raises InputError for a network that was not judged on PrivateTest.
    """
    require_private_test([result])
    metrics = result["metrics"]
    parts = [
        _network(result),
        _learned(result),
        _majority(metrics),
        _shares(metrics),
        _reliability(metrics),
        _accuracy(metrics),
        _classes(metrics),
        _limits(result.get("limits", {})),
    ]
    return "\n\n".join(filter(None, parts))


def _learned(result: dict[str, Any]) -> str:
    """Say in words by whom the network learned and was chosen, and why figures by voters and by labels stand here."""
    recipe = result["recipe"]
    chooser = "what most voters chose" if recipe.get("votes_share") == 1 else "the labels"
    return (
        f"It learned from {_target(recipe)}. {_choice(result, chooser)} {_temperature(result)} Both kinds of figures "
        "stand here: the voters say what people see in a picture, which is what the network is for; the labels, given "
        "by single people, are what other work on FER2013 reports. They disagree, so a network that follows one loses "
        "on the other."
    )


def _target(recipe: dict[str, Any]) -> str:
    share, taught = recipe.get("votes_share", 0), recipe.get("distillation", 0)
    if share == 1:
        target = "the shares of the FER+ voters alone"
    else:
        target = (
            f"the labels and, for {100 * share:.0f} % beside them, the FER+ voters" if share else "the labels"
        )
    if recipe.get("votes_head"):
        target += ", with all ten votes as a second output"
    return f"{target}, and for {100 * taught:.0f} % of the whole from teachers" if taught else target


def _choice(result: dict[str, Any], chooser: str) -> str:
    if members := result.get("average_of"):
        return f"Its weights are the mean of {len(members)} networks, the last of which learned so."
    if result["recipe"].get("keep") == "last":
        was_stopped = result["epochs"] < result["recipe"]["epochs"]
        stopped = f"epoch {result['epochs']}, after which the run was stopped"
        return f"Its weights are those of {stopped if was_stopped else 'the last epoch'}."
    return f"Its weights are those of the best epoch by {chooser} on PublicTest."


def _temperature(result: dict[str, Any]) -> str:
    fitted = result.get("temperature_fitted_on", "labels")
    if fitted is None:
        return "No temperature fitted, so the probabilities are as it gives them."
    return f"The temperature was fitted on the {fitted} of PublicTest."


def _majority(metrics: dict[str, Any]) -> str:
    rows = []
    for split, voters in _judged_by_voters(metrics).items():
        alone = voters["without_copies_of_training"]
        for name, part in ((split, voters), (f"{split} without copies", alone)):
            kinds = ("majority", "four_category_majority")
            cells = [(f"{part[f'{kind}_images']:,}", percent(part[f"{kind}_accuracy"])) for kind in kinds]
            rows.append([name, *cells[0], *cells[1]])
    header = ["by what most voters chose", "images", "seven classes", "images", "four categories"]
    return markdown_table(header, rows) if rows else ""


def _shares(metrics: dict[str, Any]) -> str:
    rows = []
    for split, voters in _judged_by_voters(metrics).items():
        before = percent(voters["ece_before_temperature"])
        alone = voters["without_copies_of_training"]
        for name, part, raw in ((split, voters, before), (f"{split} without copies", alone, "–")):
            others = [
                number(part.get(figure)) for figure in ("cross_entropy", "r2_kl", "entropy_correlation")
            ]
            rows.append([name, f"{part['images']:,}", raw, percent(part.get("ece")), *others])
    header = ["by the voters' shares", "images", "calibration error before temperature", "after"]
    header += ["cross-entropy, nats", "R²", "rank correlation of the entropies"]
    return markdown_table(header, rows) if rows else ""


def _reliability(metrics: dict[str, Any]) -> str:
    """Answers by their confidence: how many there are, and which share of the voters agrees with them."""
    bins = metrics["PrivateTest"].get("voters", {}).get("reliability", [])
    rows = [
        [f"{100 * place / len(bins):.0f} to {100 * (place + 1) / len(bins):.0f} %", *map(percent, row)]
        for place, row in enumerate(bins)
        if row[0]
    ]
    header = ["confidence, PrivateTest", "of the pictures", "mean confidence", "voters who chose the answer"]
    return markdown_table(header, rows) if rows else ""


def _judged_by_voters(metrics: dict[str, Any]) -> dict[str, Any]:
    return {split: figures["voters"] for split, figures in metrics.items() if "voters" in figures}


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
    header = ["by the labels", "images", "seven classes", "four categories", "macro-F1"]
    return markdown_table([*header, "calibration error before temperature", "after"], rows)


def _classes(metrics: dict[str, Any]) -> str:
    private = metrics["PrivateTest"]
    rows = [
        [label, percent(private["precision"][label]), percent(recall)]
        for label, recall in private["recall"].items()
    ]
    return markdown_table(["class, by the labels of PrivateTest", "precision", "recall"], rows)


def _limits(limits: dict[str, Any]) -> str:
    titles = {
        "majority_accuracy": "voters, seven classes",
        "voters_ece": "voters, calibration error",
        "accuracy": "labels, seven classes",
        "ece": "labels, calibration error",
    }
    shown = [name for name in titles if any(name in part for part in limits.values())]
    rows = [[name, *(percent(part.get(figure)) for figure in shown)] for name, part in limits.items()]
    header = ["PublicTest, 48×48 pictures made worse", *(titles[name] for name in shown)]
    return markdown_table(header, rows) if rows else ""

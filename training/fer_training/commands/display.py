"""What `fer-train` shows for people: tables on the terminal."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.measure import Measurement
from rich.segment import Segments
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from fer_training.evaluation.predict import Answer

TITLES = {
    "images": "images",
    "accuracy": "accuracy",
    "four_category_accuracy": "accuracy, four categories",
    "macro_f1": "macro-F1",
    "ece": "calibration error",
}

AFFECT_TITLES = {
    "ccc": "concordance (CCC)",
    "rmse": "RMSE",
    "pearson": "Pearson's correlation",
    "sign_agreement": "right signs",
}

WEAK = "Measured against targets made from votes for expressions, not against people's ratings of valence and arousal."

_WIDEST = 100_000
"""Columns of text that no table fills."""

VOTERS_TITLES = {
    "majority_images": "images with a majority",
    "majority_accuracy": "accuracy",
    "four_category_majority_images": "images with a majority, four categories",
    "four_category_majority_accuracy": "accuracy, four categories",
    "images": "images with votes",
    "ece": "calibration error",
    "ece_before_temperature": "calibration error before temperature scaling",
    "cross_entropy": "cross-entropy, nats",
    "r2_kl": "R² (Kullback-Leibler)",
    "entropy_correlation": "rank correlation of entropies",
}


def print_counts(console: Console, description: Mapping[str, Any]) -> None:
    """Show a prepared dataset's counts and faults."""
    counts = description["counts"]
    table = Table("class", *counts)
    for label in description["labels"]:
        table.add_row(label, *(str(split[label]) for split in counts.values()))
    table.add_row("all", *(str(sum(split.values())) for split in counts.values()))
    console.print(table)
    console.print(
        f"unreadable images, left out: {len(description['unreadable'])}{_some(description['unreadable'])}"
    )
    console.print(
        f"images of one constant value: {len(description['constant'])}{_some(description['constant'])}"
    )
    console.print(f"images without a label, left out: {description['without_label']}")
    for split, copies in description["copies"].items():
        for earlier, number in copies.items():
            console.print(f"{split} images that also stand in {earlier}: {number}")
    for note in description["notes"]:
        console.print(note)


def _some(names: Sequence[str]) -> str:
    return f" ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})" if names else ""


def print_costs(console: Console, costs: Mapping[str, Mapping[str, int]]) -> None:
    """Show what each architecture costs."""
    table = Table("architecture", "parameters", "multiply-adds")
    for name, cost in costs.items():
        table.add_row(name, f"{cost['parameters'] / 1e3:.0f} k", f"{cost['multiply_adds'] / 1e6:.1f} M")
    console.print(table)


def print_result(console: Console, result: Mapping[str, Any], split: str) -> None:
    """Show the figures of one split."""
    alone = result["without_copies_of_training"]
    table = Table("by the labels", split, "without copies of Training")
    for key, title in TITLES.items():
        table.add_row(title, _figure(result[key]), _figure(alone[key]))
    console.print(table)
    console.print(
        f"Calibration error before temperature scaling: {_figure(result['ece_before_temperature'])}"
    )
    classes = Table("class", "precision", "recall")
    for name, precision in result["precision"].items():
        classes.add_row(name, _figure(precision), _figure(result["recall"][name]))
    console.print(classes)
    if voters := result.get("voters"):
        _print_voters(console, voters, split)


def _print_voters(console: Console, voters: Mapping[str, Any], split: str) -> None:
    alone = voters["without_copies_of_training"]
    table = Table("by the voters", split, "without copies of Training")
    for key, title in VOTERS_TITLES.items():
        show = _number if key in ("cross_entropy", "r2_kl", "entropy_correlation") else _figure
        table.add_row(title, show(voters[key]), show(alone[key]) if key in alone else "")
    console.print(table)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:z.3f}"


def print_affect(console: Console, result: Mapping[str, Any], split: str) -> None:
    """Show the figures of valence and arousal on one split, and those of the product beside them."""
    table = Table(f"{split}, {result['images']} images", "valence", "arousal")
    for title, figures in {"": result, ", product": result.get("product")}.items():
        for name, what in AFFECT_TITLES.items():
            if figures is not None:
                show = _figure if name == "sign_agreement" else _number
                table.add_row(f"{what}{title}", *(show(figures[key][name]) for key in ("valence", "arousal")))
    console.print(table)
    if "beats_product" in result:
        verdict = "It beats" if result["beats_product"] else "It does not beat"
        console.print(f"{verdict} the product in concordance and error of both.", soft_wrap=True)
    console.print(
        "Measured against people's ratings." if result["targets_from"] == "annotations" else WEAK,
        soft_wrap=True,
    )


def print_limits(console: Console, limits: Mapping[str, Mapping[str, float]]) -> None:
    """Show what each way to make the pictures worse costs."""
    titles = {"accuracy": "accuracy", "ece": "calibration error"}
    if any("voters_ece" in figures for figures in limits.values()):
        titles |= {"majority_accuracy": "by most voters", "voters_ece": "calibration error, voters"}
    table = Table("PublicTest, pictures made worse", *titles.values())
    for name, figures in limits.items():
        table.add_row(name, *(_figure(figures.get(key)) for key in titles))
    console.print(table)


def _figure(value: float | None) -> str:
    if value is None:
        return "–"
    return str(value) if isinstance(value, int) else f"{100 * value:.2f} %"


def print_answers(console: Console, answers: Sequence["Answer"]) -> None:
    """Show one line per face with its three likeliest classes, and one per picture without a face; paths are whole."""
    table = Table("picture", "face at x, y, w, h", "answer")
    for answer in answers:
        for face in answer.faces:
            place = "whole picture" if face.box_xywh is None else ", ".join(map(str, face.box_xywh))
            ranked = sorted(face.probabilities.items(), key=lambda item: -item[1])[:3]
            table.add_row(
                Text(answer.image), place, ", ".join(f"{name} {share:.2f}" for name, share in ranked)
            )
        if not answer.faces:
            table.add_row(Text(answer.image), "no face", "–")
    _print_whole(console, table)
    if not any(answer.faces for answer in answers):
        console.print("No face was found. If the pictures are crops of faces, add --whole.")


def _print_whole(console: Console, table: Table) -> None:
    """Print a table as wide as its cells are, however narrow the terminal is."""
    options = console.options.update(width=_WIDEST)
    width = Measurement.get(console, options, table).maximum
    lines = Segments(console.render(table, options.update(width=width)))
    console.print(lines, soft_wrap=True)


def print_detector(console: Console, figures: Mapping[str, float]) -> None:
    """Show the figures of a face detector on the pictures kept for validation."""
    table = Table("pictures kept for validation", "")
    for name, title in {
        "average_precision": "average precision at an overlap of 0.5",
        "recall": "faces found at the client's score",
        "precision": "of what it finds then, faces",
        "landmark_error": "landmarks off, by the distance of the eyes",
    }.items():
        table.add_row(title, _figure(figures[name]))
    console.print(table)

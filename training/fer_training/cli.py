"""The command `fer-train`: parses and prints, nothing else. Keras loads only where a subcommand needs it."""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from fer_client.errors import FerError, UsageError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Prepare face images, train expression networks on them, and measure how good they are.",
)
console = Console()


@app.command()
def prepare(
    name: Annotated[str, typer.Argument(metavar="DATASET", help="fer2013, fer2013plus, rafdb or affectnet.")],
    source: Annotated[Path, typer.Argument(help="The official files: see docs/training.md.")],
    out: Annotated[Path, typer.Argument(help="New folder for the prepared record.")],
) -> None:
    """Turn a dataset's official files into one record that loads by memory map, and report its faults."""
    from fer_training.preparation import prepare as write_record
    from fer_training.readers import READERS

    reader = _choose(READERS, name, "dataset")
    with console.status("Reading") as status:
        description = write_record(
            reader(source),
            out,
            lambda count: status.update(f"Reading: {count} images") if count % 500 == 0 else None,
        )
    _print_counts(description)


@app.command()
def run(
    architecture: Annotated[str, typer.Argument(help="See `fer-train architectures`.")],
    data: Annotated[Path, typer.Option(help="Folder that `fer-train prepare` wrote.")],
    out: Annotated[
        Path, typer.Option(help="Folder of the run; one that was killed goes on from its checkpoint.")
    ],
    recipe: Annotated[str, typer.Option(help="Name of a recipe; docs/training.md lists them.")] = "quick",
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs instead of the recipe's.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights, order and augmentation.")] = 0,
) -> None:
    """Train one architecture by one recipe."""
    from fer_training.dataset import load_dataset
    from fer_training.recipes import RECIPES

    chosen = _choose(RECIPES, recipe, "recipe")
    if epochs is not None:
        chosen = dataclasses.replace(chosen, epochs=epochs)
    dataset = load_dataset(data)

    from fer_training.architectures import ARCHITECTURES
    from fer_training.progress import show_progress
    from fer_training.train import Run, train

    _choose(ARCHITECTURES, architecture, "architecture")
    with show_progress(console) as on_progress:
        path = train(Run(architecture, chosen, seed, out), dataset, on_progress)
    console.print(f"{path} and {path.with_suffix('.json')}")


@app.command()
def evaluate(
    weights: Annotated[Path, typer.Argument(help="A .keras file with its .json record beside it.")],
    data: Annotated[Path, typer.Option(help="Folder that `fer-train prepare` wrote.")],
    split: Annotated[
        str, typer.Option(help="PublicTest to choose by, PrivateTest for the final word.")
    ] = "PublicTest",
    figures: Annotated[Path | None, typer.Option(help="Folder for the two pictures.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure accuracy and calibration; on PublicTest, also fit the temperature. The record keeps the figures."""
    from fer_training.dataset import SPLITS, load_dataset

    _choose(dict.fromkeys(SPLITS[1:]), split, "split")
    dataset = load_dataset(data)

    from fer_training.evaluate import evaluate as measure

    result = measure(weights, dataset, split, figures)
    if as_json:
        print(json.dumps(result))  # noqa: T201
        return
    _print_result(result, split)


def _print_result(result: dict[str, Any], split: str) -> None:
    table = Table("", split, "without copies of Training")
    rows = {
        "accuracy": "accuracy",
        "four_category_accuracy": "accuracy, four categories",
        "macro_f1": "macro-F1",
    }
    for key, title in {"images": "images", **rows, "ece": "calibration error"}.items():
        table.add_row(title, str(result[key]), str(result["without_copies_of_training"][key]))
    console.print(table)
    console.print(f"Calibration error before temperature scaling: {result['ece_before_temperature']}")
    classes = Table("class", "precision", "recall")
    for name, precision in result["precision"].items():
        classes.add_row(name, f"{precision:.4f}", f"{result['recall'][name]:.4f}")
    console.print(classes)


def _choose(table: dict[str, Any], name: str, what: str) -> Any:
    if name not in table:
        raise UsageError(f"Expected a {what} out of {', '.join(table)}; got {name}.")
    return table[name]


def _print_counts(description: dict[str, Any]) -> None:
    counts = description["counts"]
    table = Table("class", *counts)
    for label in description["labels"]:
        table.add_row(label, *(str(split[label]) for split in counts.values()))
    table.add_row("all", *(str(sum(split.values())) for split in counts.values()))
    console.print(table)
    for fault in ("unreadable", "constant"):
        console.print(f"{fault} images: {len(description[fault])}")
    for split, number in description["copies_of_training"].items():
        console.print(f"{split} images that also stand in Training: {number}")
    for note in description["notes"]:
        console.print(note)


def main() -> None:
    """Run the command; every expected error is one sentence on stderr and an exit code."""
    try:
        app()
    except FerError as error:
        print(f"fer-train: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("fer-train: stopped.", file=sys.stderr)  # noqa: T201
        sys.exit(130)

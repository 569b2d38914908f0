"""The command `fer-train`: parses and prints, nothing else. Keras loads only where a subcommand needs it."""

import dataclasses
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
            reader(source), out, lambda count: status.update(f"Reading: {count} images") if count % 500 == 0 else None
        )
    _print_counts(description)


@app.command()
def run(
    architecture: Annotated[str, typer.Argument(help="See `fer-train architectures`.")],
    data: Annotated[Path, typer.Option(help="Folder that `fer-train prepare` wrote.")],
    out: Annotated[Path, typer.Option(help="Folder of the run; one that was killed goes on from its checkpoint.")],
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

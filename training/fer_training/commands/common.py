"""What the commands share: the console, parameters that several take, and how they begin and answer."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from fer_client.errors import UsageError
from fer_training.recipes import VALENCE_AROUSAL

console = Console()

Weights = Annotated[Path, typer.Argument(help="A .keras file with its .json record beside it.")]
Trunk = Annotated[
    Path | None,
    typer.Option(help="Of valence and arousal: the network that tells expressions, behind which it stands."),
]
Data = Annotated[Path, typer.Option(help="Folder that `fer-train prepare` wrote.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def load_keras() -> None:
    """Import Keras, which takes seconds."""
    from fer_training import backend

    backend.load_keras()


def choose(choices: dict[str, Any], name: str, what: str) -> Any:
    """Give the choice of that name; UsageError where there is none."""
    if name not in choices:
        raise UsageError(f"Expected as {what} one out of {', '.join(choices)}; got {name}.")
    return choices[name]


def tells_affect(weights: Path) -> bool:
    """Tell whether a network gives valence and arousal instead of expressions."""
    from fer_training.models.record import load_record

    return load_record(weights, target=None).get("target") == VALENCE_AROUSAL


def print_json(value: Any) -> None:
    """Answer a machine."""
    print(json.dumps(value))  # noqa: T201

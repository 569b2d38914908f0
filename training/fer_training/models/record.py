"""The record that travels with the weights: `X.json` beside `X.keras`."""

import json
import platform
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fer_client.errors import InputError
from fer_training.data.dataset import Dataset
from fer_training.files import write_json
from fer_training.recipes import EXPRESSION, Recipe

INPUT = {"height": 48, "width": 48, "channels": 1, "range": [-1.0, 1.0]}

FINGERPRINTS = ("sha256", "arrays_sha256")
"""What tells datasets apart: their images, and all their arrays; older datasets and records lack the second."""


def new_record(architecture: str, dataset: Dataset, recipe: Recipe, seed: int) -> dict[str, Any]:
    """Describe a run; metrics come later. The temperature is 1 until `fer-train evaluate` fits it."""
    description = dataset.description
    return {
        "architecture": architecture,
        "labels": list(dataset.label_names),
        "input": INPUT,
        "temperature": 1.0,
        "data": {
            name: description[name] for name in ("name", *FINGERPRINTS, "counts") if name in description
        },
        "recipe": recipe.as_record(),
        "seed": seed,
        "epochs": 0,
        "versions": versions(),
        "metrics": {},
    }


def versions() -> dict[str, str]:
    """Versions that a result depends on."""
    backend = keras.backend.backend()
    found = {"python": platform.python_version(), "numpy": np.__version__, "keras": keras.__version__}
    module = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}.get(backend)
    if module:
        found[backend] = str(__import__(module).__version__)
    return found


def record_path(weights: Path) -> Path:
    """Where the record of a `.keras` file lies."""
    return weights.with_suffix(".json")


def load_record(weights: Path, target: str | None = EXPRESSION) -> dict[str, Any]:
    """Read the record beside the weights.

    A record without `target` is of a network that tells expressions. Raises InputError where the record is missing or
    damaged, or the network tells something else than asked for; None takes all.
    """
    path = record_path(weights)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        missing = {"architecture", "labels", "temperature", "metrics"} - set(record)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"Expected the record of a training run beside {weights}, but {path} cannot be read ({error}). "
            "Keep the .keras and the .json file together."
        ) from error
    if missing:
        raise InputError(
            f"Expected {', '.join(sorted(missing))} in {path}, but they are missing. Train again."
        )
    if target not in (None, told := record.get("target", EXPRESSION)):
        raise InputError(f"Expected a network that tells {target}, but {weights} tells {told}. Name another.")
    return dict(record)


def load_record_for(weights: Path, dataset: Dataset) -> dict[str, Any]:
    """Read the record beside the weights; InputError also where their classes are not those of the data."""
    record = load_record(weights)
    if record["labels"] != list(dataset.label_names):
        raise InputError(
            f"Expected data with the classes {', '.join(record['labels'])} of {weights}, "
            f"got {', '.join(dataset.label_names)}. Give the data that fits the weights."
        )
    return record


def is_trained_on(record: dict[str, Any], dataset: Dataset) -> bool:
    """Whether the record's network learned from this very dataset."""
    learned = record.get("data", {})
    known = [name for name in FINGERPRINTS if name in learned]
    return bool(known) and all(learned[name] == dataset.description.get(name) for name in known)


def learned_votes_alone(record: dict[str, Any]) -> bool:
    """Whether the voters' shares were the record's network's whole target beside its teachers."""
    return bool(record.get("recipe", {}).get("votes_share") == 1)


def save_record(weights: Path, record: dict[str, Any]) -> None:
    """Write the record beside the weights."""
    write_json(record_path(weights), record)


def load_network(weights: Path, is_compiled: bool = False) -> keras.Model:
    """Open a `.keras` file for use, with its optimizer if `is_compiled`.

    Raises InputError where it cannot be read, is of another kind, or holds code that would run.
    """
    if weights.suffix != ".keras":  # Keras also opens HDF5, which can run code as it is read.
        raise InputError(f"Expected a .keras file such as fer-train writes, got {weights}. Name one.")
    try:
        return keras.saving.load_model(weights, compile=is_compiled, safe_mode=True)
    except Exception as error:  # Keras raises whatever its readers of zip, HDF5 and JSON happen to raise.
        if "safe_mode" in str(error):  # Keras's word for what it refused
            raise InputError(
                f"Expected a network of stock layers at {weights}, but it holds Python code, as of a Lambda layer, "
                "that would run as it is read. Use one that fer-train wrote."
            ) from error
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"Expected a Keras file at {weights}, but it cannot be opened: {reason}") from error

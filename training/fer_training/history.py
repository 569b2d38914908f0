"""What each epoch brought, as a table and as a picture."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from fer_training.files import replacing


@dataclass(frozen=True)
class Epoch:
    """One line of `history.csv`; `epoch` counts from 1, losses are cross-entropies, rates the epoch's last step's."""

    epoch: int
    learning_rate: float
    training_loss: float
    validation_loss: float
    validation_accuracy: float
    seconds: float


def read_history(path: Path) -> list[Epoch]:
    """Read the lines written so far; none where the file is not there yet."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kinds = {field.name: int if field.name == "epoch" else float for field in fields(Epoch)}
    return [Epoch(**{name: kind(row[name]) for name, kind in kinds.items()}) for row in rows]  # type: ignore[arg-type]


def write_history(path: Path, epochs: Sequence[Epoch]) -> None:
    """Write all lines anew."""
    with replacing(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Epoch)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(epoch) for epoch in epochs)


def best_epoch(epochs: Sequence[Epoch]) -> Epoch | None:
    """The first epoch with the highest PublicTest accuracy."""
    return max(epochs, key=lambda epoch: epoch.validation_accuracy, default=None)


def draw_curves(path: Path, epochs: Sequence[Epoch]) -> None:
    """Draw losses and accuracy over the epochs."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    losses, accuracy = figure.subplots(1, 2)
    numbers = [epoch.epoch for epoch in epochs]
    losses.plot(numbers, [epoch.training_loss for epoch in epochs], label="training, augmented")
    losses.plot(numbers, [epoch.validation_loss for epoch in epochs], label="PublicTest")
    losses.set(xlabel="epoch", ylabel="cross-entropy")
    losses.legend()
    accuracy.plot(numbers, [100 * epoch.validation_accuracy for epoch in epochs])
    accuracy.set(xlabel="epoch", ylabel="PublicTest accuracy, %")
    accuracy.grid(alpha=0.3)
    with replacing(path) as beside:
        figure.savefig(beside, dpi=110)

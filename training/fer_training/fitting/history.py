"""What each epoch brought, as a table and as a picture."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from fer_training.files import replacing


@dataclass(frozen=True)
class Epoch:
    """One line of `history.csv`; `epoch` counts from 1, losses are cross-entropies, rates the epoch's last step's.

    `validation_loss` and `validation_accuracy` are by the labels, `validation_majority_accuracy` by the class that
    more than half of the voters chose: None without votes, and in the files of older versions. Of a network that tells
    valence and arousal, the losses are those of `fer_training.fitting.affect_loss`, `validation_accuracy` is the share
    of right signs, and `validation_ccc` the mean concordance; None of others.
    """

    epoch: int
    learning_rate: float
    training_loss: float
    validation_loss: float
    validation_accuracy: float
    seconds: float
    validation_majority_accuracy: float | None = None
    validation_ccc: float | None = None


def read_history(path: Path) -> list[Epoch]:
    """Read the lines written so far; none where the file is not there yet."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [_epoch(row) for row in rows]


def _epoch(row: Mapping[str, str]) -> Epoch:
    kinds = {field.name: int if field.name == "epoch" else float for field in fields(Epoch)}
    return Epoch(**{name: kind(row[name]) for name, kind in kinds.items() if row.get(name)})  # type: ignore[arg-type]


def write_history(path: Path, epochs: Sequence[Epoch]) -> None:
    """Write all lines anew; the column of the concordance only for networks that have one."""
    names = [field.name for field in fields(Epoch)]
    if all(epoch.validation_ccc is None for epoch in epochs):
        names.remove("validation_ccc")
    with replacing(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(asdict(epoch) for epoch in epochs)


def best_epoch(epochs: Sequence[Epoch], figure: str = "validation_accuracy") -> Epoch | None:
    """The first epoch in which a figure of PublicTest is highest; one without the figure is never the best."""
    known = [epoch for epoch in epochs if getattr(epoch, figure) is not None]
    return max(known, key=lambda epoch: float(getattr(epoch, figure)), default=None)


def draw_curves(path: Path, epochs: Sequence[Epoch]) -> None:
    """Draw losses and accuracy over the epochs."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    losses, accuracy = figure.subplots(1, 2)
    numbers = [epoch.epoch for epoch in epochs]
    losses.plot(numbers, [epoch.training_loss for epoch in epochs], label="training, augmented")
    losses.plot(numbers, [epoch.validation_loss for epoch in epochs], label="PublicTest")
    is_affect = any(epoch.validation_ccc is not None for epoch in epochs)
    losses.set(xlabel="epoch", ylabel="loss" if is_affect else "cross-entropy")
    losses.legend()
    figures = {"validation_accuracy": "right signs" if is_affect else "labels"}
    figures |= {"validation_majority_accuracy": "most voters", "validation_ccc": "concordance"}
    for name, label in figures.items():
        known = [epoch for epoch in epochs if getattr(epoch, name) is not None]
        if known:
            values = [100 * getattr(epoch, name) for epoch in known]
            accuracy.plot([epoch.epoch for epoch in known], values, label=label)
    accuracy.legend()
    accuracy.set(xlabel="epoch", ylabel="PublicTest, %" if is_affect else "PublicTest accuracy, %")
    accuracy.grid(alpha=0.3)
    with replacing(path) as beside:
        figure.savefig(beside, dpi=110)

"""The commands that prepare data and train."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from fer_client.errors import Interrupted, UsageError
from fer_training.commands import display
from fer_training.commands.common import AsJson, Data, Trunk, choose, console, load_keras, print_json
from fer_training.data.dataset import load_dataset
from fer_training.data.preparation import only_labels
from fer_training.data.preparation import prepare as write_dataset
from fer_training.data.readers import READERS
from fer_training.recipes import RECIPES, TARGETS, VALENCE_AROUSAL, HeadRecipe


def prepare(
    name: Annotated[str, typer.Argument(metavar="DATASET", help=f"One of {', '.join(READERS)}.")],
    source: Annotated[Path, typer.Argument(help="The official files; docs/training.md shows their layout.")],
    out: Annotated[Path, typer.Argument(help="New folder for the prepared images.")],
    without: Annotated[list[str] | None, typer.Option(help="Class to leave out, such as contempt.")] = None,
) -> None:
    """Turn a dataset's official files into one folder that loads by memory map, and report its faults."""
    found = choose(READERS, name, "dataset")(source)
    for label in without or ():
        choose(dict.fromkeys(found.labels), label, "class to leave out")
        found = only_labels(found, tuple(kept for kept in found.labels if kept != label))
    with console.status("Reading") as status:
        description = write_dataset(found, out, lambda count: status.update(f"Reading: {count} images"))
    display.print_counts(console, description)
    votes = "with the voters' counts" if (out / "votes.npy").exists() else "without votes"
    console.print(f"Wrote {out}, {votes}.", soft_wrap=True)


def architectures(as_json: AsJson = False) -> None:
    """List the architectures with their parameters and multiply-adds for one 48x48 picture and seven classes."""
    load_keras()
    from fer_training.models.architectures import ARCHITECTURES
    from fer_training.models.cost import cost

    costs = {name: dataclasses.asdict(cost(build(7))) for name, build in ARCHITECTURES.items()}
    if as_json:
        print_json(costs)
    else:
        display.print_costs(console, costs)


def run(
    architecture: Annotated[
        str,
        typer.Argument(help="See `fer-train architectures`; with --trunk, `head` or `product`."),
    ],
    data: Data,
    out: Annotated[
        Path, typer.Option(help="Folder of the run; one that was killed goes on from its checkpoint.")
    ],
    target: Annotated[
        str, typer.Option(help=f"What to learn: {' or '.join(TARGETS)}, from the data's own or its votes.")
    ] = TARGETS[0],
    trunk: Trunk = None,
    recipe: Annotated[
        str | None,
        typer.Option(help=f"One of {', '.join(RECIPES)}. Default: quick, and that of heads for these."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs instead of the recipe's.")] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Seed of weights, order and augmentation.")
    ] = 0,
    teacher: Annotated[
        list[Path] | None, typer.Option(help="Weights to distil from; may be repeated.")
    ] = None,
    start: Annotated[
        Path | None, typer.Option(help="Trained weights of this architecture to begin with.")
    ] = None,
) -> None:
    """Train one architecture by one recipe, or go on with a run that was stopped.

    With --trunk, it is a small network of valence and arousal behind a trained one that stays as it is (`head`), or
    that one's probabilities times the expressions' coordinates (`product`).
    """
    choose(dict.fromkeys(TARGETS), target, "target")
    if trunk is not None:
        _refuse_beside_trunk(target, {"--recipe": recipe, "--teacher": teacher, "--start": start})
        _run_behind(trunk, architecture, data, out, epochs, seed)
        return
    chosen = choose(RECIPES, recipe or "quick", "recipe")
    if epochs is not None:
        chosen = dataclasses.replace(chosen, epochs=epochs)
    dataset = load_dataset(data)
    load_keras()
    from fer_training.commands.progress import show_progress
    from fer_training.fitting.run import Run
    from fer_training.fitting.train import train
    from fer_training.models.architectures import ARCHITECTURES

    choose(ARCHITECTURES, architecture, "architecture")
    asked = Run(architecture, chosen, seed, out, tuple(teacher or ()), start, target)
    try:
        with show_progress(console) as on_progress:
            path = train(asked, dataset, on_progress)
    except KeyboardInterrupt:
        raise Interrupted("Stopped. The same command goes on from the last whole epoch.") from None
    console.print(f"Wrote {path} and its record {path.with_suffix('.json')}.", soft_wrap=True)


def _refuse_beside_trunk(target: str, others: dict[str, Any]) -> None:
    if target != VALENCE_AROUSAL:
        raise UsageError(
            f"Expected --target {VALENCE_AROUSAL} with --trunk, got {target}. Give both or none."
        )
    for name, value in others.items():
        if value:
            raise UsageError(
                f"Expected no {name} with --trunk, since the trunk stays as it is. Leave it out."
            )


def _run_behind(trunk: Path, kind: str, data: Path, out: Path, epochs: int | None, seed: int) -> None:
    dataset = load_dataset(data)
    load_keras()
    from fer_training.fitting.affect_head import HeadRun, train_head
    from fer_training.models.affect import BEHIND_A_TRUNK

    choose(dict.fromkeys(BEHIND_A_TRUNK), kind, "network behind a trunk")
    recipe = HeadRecipe() if epochs is None else HeadRecipe(epochs=epochs)
    with console.status("Reading") as status:
        path = train_head(HeadRun(kind, trunk, recipe, seed, out), dataset, status.update)
    console.print(f"Wrote {path} and its record {path.with_suffix('.json')}.", soft_wrap=True)


def detector(
    source: Annotated[
        Path, typer.Argument(help="WIDER FACE's official files, or faces.csv with archives of pictures.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder of the run; one that was stopped goes on from its last whole epoch.")
    ],
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs instead of the recipe's.")] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(min=1e-6, max=1, help="Highest rate instead of the recipe's; a lower one with --start."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of weights and canvases.")] = 0,
    start: Annotated[Path | None, typer.Option(help="Trained weights of the detector to begin with.")] = None,
    teacher: Annotated[
        Path | None, typer.Option(help="YuNet's weights: learn what it answers on each canvas, too.")
    ] = None,
    crops: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a prepared dataset whose faces are set into the pictures; needs --teacher."
        ),
    ] = None,
) -> None:
    """Train the face detector on annotated pictures, or go on with a run that was stopped."""
    load_keras()
    from fer_training.detector.recipe import DetectorRecipe
    from fer_training.detector.training import DetectorRun, train_detector

    own = DetectorRecipe()
    recipe = dataclasses.replace(
        own, epochs=epochs or own.epochs, learning_rate=learning_rate or own.learning_rate
    )
    try:
        with console.status("Reading") as status:
            path = train_detector(
                DetectorRun(source, recipe, seed, out, start, teacher, crops), status.update
            )
    except KeyboardInterrupt:
        raise Interrupted("Stopped. The same command goes on from the last whole epoch.") from None
    console.print(f"Wrote {path} and its record {path.with_suffix('.json')}.", soft_wrap=True)


def average(
    networks: Annotated[
        list[Path], typer.Argument(help="Two .keras files or more, begun with the same weights.")
    ],
    out: Annotated[Path, typer.Option(help="The .keras file to write; its record goes beside it.")],
    share: Annotated[
        list[float] | None,
        typer.Option(help="A network's part, once for each, in their order. Default: equal parts."),
    ] = None,
) -> None:
    """Average the weights of networks that began alike; evaluate the mean before you use it."""
    load_keras()
    from fer_training.models.average import average as average_weights

    average_weights(networks, share or [], out)
    console.print(f"Wrote {out}. `fer-train evaluate {out} --data …` fits its temperature.", soft_wrap=True)

"""The command `fer-train`: parses and prints, nothing else. Keras loads only where a subcommand needs it."""

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from fer_client.cli import console as fer_console
from fer_client.errors import InputError, Interrupted, UsageError
from fer_client.faces.detection import choose_detector
from fer_client.settings import AUTO, Settings
from fer_training.commands import display
from fer_training.commands.records import kept_in, note_other_data
from fer_training.data.dataset import SPLITS, Dataset, load_dataset
from fer_training.data.preparation import only_labels
from fer_training.data.preparation import prepare as write_dataset
from fer_training.data.readers import READERS
from fer_training.detector.pictures import is_detector
from fer_training.recipes import RECIPES, TARGETS, VALENCE_AROUSAL, HeadRecipe

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Prepare face images, train expression networks on them, and measure how good they are.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
console = Console()

Weights = Annotated[Path, typer.Argument(help="A .keras file with its .json record beside it.")]
Trunk = Annotated[
    Path | None,
    typer.Option(help="Of valence and arousal: the network that tells expressions, behind which it stands."),
]
Data = Annotated[Path, typer.Option(help="Folder that `fer-train prepare` wrote.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@app.command()
def prepare(
    name: Annotated[str, typer.Argument(metavar="DATASET", help=f"One of {', '.join(READERS)}.")],
    source: Annotated[Path, typer.Argument(help="The official files; docs/training.md shows their layout.")],
    out: Annotated[Path, typer.Argument(help="New folder for the prepared images.")],
    without: Annotated[list[str] | None, typer.Option(help="Class to leave out, such as contempt.")] = None,
) -> None:
    """Turn a dataset's official files into one folder that loads by memory map, and report its faults."""
    found = _choose(READERS, name, "dataset")(source)
    for label in without or ():
        _choose(dict.fromkeys(found.labels), label, "class to leave out")
        found = only_labels(found, tuple(kept for kept in found.labels if kept != label))
    with console.status("Reading") as status:
        description = write_dataset(found, out, lambda count: status.update(f"Reading: {count} images"))
    display.print_counts(console, description)
    votes = "with the voters' counts" if (out / "votes.npy").exists() else "without votes"
    console.print(f"Wrote {out}, {votes}.", soft_wrap=True)


@app.command()
def architectures(as_json: AsJson = False) -> None:
    """List the architectures with their parameters and multiply-adds for one 48x48 picture and seven classes."""
    _load_keras()
    from fer_training.models.architectures import ARCHITECTURES
    from fer_training.models.cost import cost

    costs = {name: dataclasses.asdict(cost(build(7))) for name, build in ARCHITECTURES.items()}
    if as_json:
        _print_json(costs)
    else:
        display.print_costs(console, costs)


@app.command()
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
    _choose(dict.fromkeys(TARGETS), target, "target")
    if trunk is not None:
        _refuse_beside_trunk(target, {"--recipe": recipe, "--teacher": teacher, "--start": start})
        _run_behind(trunk, architecture, data, out, epochs, seed)
        return
    chosen = _choose(RECIPES, recipe or "quick", "recipe")
    if epochs is not None:
        chosen = dataclasses.replace(chosen, epochs=epochs)
    dataset = load_dataset(data)
    _load_keras()
    from fer_training.commands.progress import show_progress
    from fer_training.fitting.run import Run
    from fer_training.fitting.train import train
    from fer_training.models.architectures import ARCHITECTURES

    _choose(ARCHITECTURES, architecture, "architecture")
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
    _load_keras()
    from fer_training.fitting.affect_head import HeadRun, train_head
    from fer_training.models.affect import BEHIND_A_TRUNK

    _choose(dict.fromkeys(BEHIND_A_TRUNK), kind, "network behind a trunk")
    recipe = HeadRecipe() if epochs is None else HeadRecipe(epochs=epochs)
    with console.status("Reading") as status:
        path = train_head(HeadRun(kind, trunk, recipe, seed, out), dataset, status.update)
    console.print(f"Wrote {path} and its record {path.with_suffix('.json')}.", soft_wrap=True)


@app.command()
def detector(
    source: Annotated[
        Path, typer.Argument(help="WIDER FACE's official files, or faces.csv with archives of pictures.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder of the run; one that was stopped goes on from its last whole epoch.")
    ],
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs instead of the recipe's.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of weights and canvases.")] = 0,
    start: Annotated[Path | None, typer.Option(help="Trained weights of the detector to begin with.")] = None,
) -> None:
    """Train the face detector on annotated pictures, or go on with a run that was stopped."""
    _load_keras()
    from fer_training.detector.recipe import DetectorRecipe
    from fer_training.detector.training import DetectorRun, train_detector

    recipe = DetectorRecipe() if epochs is None else DetectorRecipe(epochs=epochs)
    try:
        with console.status("Reading") as status:
            path = train_detector(DetectorRun(source, recipe, seed, out, start), status.update)
    except KeyboardInterrupt:
        raise Interrupted("Stopped. The same command goes on from the last whole epoch.") from None
    console.print(f"Wrote {path} and its record {path.with_suffix('.json')}.", soft_wrap=True)


@app.command()
def evaluate(
    weights: Weights,
    data: Data,
    split: Annotated[
        str, typer.Option(help="PublicTest to choose by, PrivateTest for the final word.")
    ] = "PublicTest",
    trunk: Trunk = None,
    figures: Annotated[Path | None, typer.Option(help="Folder for the pictures.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure accuracy and calibration; on PublicTest, also fit the temperature. Or measure valence and arousal.

    The record beside the weights keeps both, unless the network was trained on other data. Of a face detector, --data
    names annotated pictures as for `fer-train detector`, and what is measured is the average precision on those kept
    for validation.
    """
    if is_detector(weights):
        _evaluate_detector(weights, data, as_json)
        return
    _choose(dict.fromkeys(SPLITS[1:]), split, "split")
    dataset = load_dataset(data)
    _load_keras()
    if _tells_affect(weights):
        _evaluate_affect(weights, dataset, split, trunk, figures, as_json)
        return
    from fer_training.evaluation.evaluate import evaluate as measure

    result = measure(weights, dataset, split, figures)
    is_kept = note_other_data(weights, dataset)
    if as_json:
        _print_json(result)
        return
    display.print_result(console, result, split)
    if is_kept:
        console.print(kept_in(weights, split), soft_wrap=True)
    if figures is not None:
        console.print(f"Drew the confusion matrix and the reliability into {figures}.", soft_wrap=True)


def _evaluate_detector(weights: Path, source: Path, as_json: bool) -> None:
    _load_keras()
    from fer_training.detector.training import evaluate_weights

    with console.status("Reading"):
        figures = evaluate_weights(weights, source)
    if as_json:
        _print_json(figures)
    else:
        display.print_detector(console, figures)


def _tells_affect(weights: Path) -> bool:
    from fer_training.models.record import load_record

    return load_record(weights, target=None).get("target") == VALENCE_AROUSAL


def _evaluate_affect(
    weights: Path, dataset: Dataset, split: str, trunk: Path | None, figures: Path | None, as_json: bool
) -> None:
    from fer_training.evaluation.affect import evaluate_affect
    from fer_training.models.affect import load_trunk

    opened = None if trunk is None else load_trunk(trunk)
    result = evaluate_affect(weights, dataset, split, opened, figures)
    is_kept = note_other_data(weights, dataset)
    if as_json:
        _print_json(result)
        return
    display.print_affect(console, result, split)
    if is_kept:
        console.print(f"Kept in {weights.with_suffix('.json')}.", soft_wrap=True)
    if figures is not None:
        console.print(f"Drew answers over targets and the circumplex into {figures}.", soft_wrap=True)


@app.command()
def references(
    weights: Weights,
    data: Data,
    split: Annotated[str, typer.Option(help="Split whose faces are the queries.")] = "PublicTest",
    out: Annotated[
        Path | None, typer.Option(help="PNG file to write. Default: references.png beside the weights.")
    ] = None,
) -> None:
    """Draw queries, the references that a generative-contrastive network makes of them, and the differences."""
    _choose(dict.fromkeys(SPLITS), split, "split")
    dataset = load_dataset(data)
    _load_keras()
    from fer_training.evaluation.references import draw_references

    path = out or weights.with_name("references.png")
    draw_references(weights, dataset, split, path)
    console.print(f"Drew {path}.", soft_wrap=True)


@app.command()
def limits(weights: Weights, data: Data, as_json: AsJson = False) -> None:
    """Measure accuracy on degraded pictures of PublicTest: small, tilted, dark, covered. The record keeps it."""
    dataset = load_dataset(data)
    _load_keras()
    from fer_training.evaluation.limits import measure_limits

    measured = measure_limits(weights, dataset)
    note_other_data(weights, dataset)
    if as_json:
        _print_json(measured)
    else:
        display.print_limits(console, measured)


@app.command()
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
    _load_keras()
    from fer_training.models.average import average as average_weights

    average_weights(networks, share or [], out)
    console.print(f"Wrote {out}. `fer-train evaluate {out} --data …` fits its temperature.", soft_wrap=True)


@app.command()
def predict(
    images: Annotated[list[Path], typer.Argument(help="Photographs, or crops of faces with --whole.")],
    weights: Annotated[Path, typer.Option(help="A .keras file with its .json record beside it.")],
    whole: Annotated[bool, typer.Option("--whole", help="Take each picture as one face; find none.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give the network's answer for each face in the pictures."""
    _load_keras()
    from fer_training.evaluation.predict import predict as answer

    detector = None if whole else choose_detector(AUTO, None, Settings.min_score)
    if detector is not None and detector.is_fallback:
        fer_console.notify(f"Note: {detector.advice}")
    answers, failures = answer(images, weights, detector)
    for failure in failures:
        fer_console.notify(f"fer-train: {failure}")
    if as_json:
        _print_json([found.as_record() for found in answers])
    else:
        display.print_answers(console, answers)
    if failures:
        raise typer.Exit(InputError.exit_code)


@app.command()
def result(
    weights: Weights,
    out: Annotated[Path, typer.Option(help="Results file to write, such as training/results/NAME.json.")],
    onnx: Annotated[Path | None, typer.Option(help="The network as ONNX, to measure its latency.")] = None,
) -> None:
    """Write a results file from a record: its figures, cost, training time and latency."""
    _load_keras()
    if _tells_affect(weights):
        from fer_training.reports.affect import write_affect_result

        write_affect_result(weights, out)
        return
    from fer_training.reports.results import write_result

    write_result(weights, out, onnx)


@app.command()
def table(
    results: Annotated[Path, typer.Argument(help="Folder of results files.")],
    document: Annotated[Path, typer.Argument(help="Markdown file with the two marks around the table.")],
) -> None:
    """Write all results into a document, one table per recipe."""
    from fer_training.reports.documents import write_part
    from fer_training.reports.results import read_results, tables

    write_part(document, "fer-train table", tables(read_results(results)))


@app.command()
def card(
    result: Annotated[Path, typer.Argument(help="Results file of the network that is served.")],
    document: Annotated[Path, typer.Argument(help="Markdown file with the two marks around the figures.")],
) -> None:
    """Write the figures of a network into its model card; those of valence and arousal have a part of their own."""
    from fer_training.reports.affect import affect_card
    from fer_training.reports.card import card as make_card
    from fer_training.reports.documents import write_part
    from fer_training.reports.results import read_json, read_result

    if read_json(result).get("target") == VALENCE_AROUSAL:
        write_part(document, f"fer-train card {VALENCE_AROUSAL}", affect_card(result))
        return
    write_part(document, "fer-train card", make_card(read_result(result)))


@app.command()
def headline(
    results: Annotated[list[Path], typer.Argument(help="Results files: the served network's, then others.")],
    document: Annotated[Path, typer.Argument(help="Markdown file with the two marks around the figures.")],
) -> None:
    """Write the main figures of networks on PrivateTest into a document, side by side."""
    from fer_training.reports.documents import write_part
    from fer_training.reports.results import headline as make_headline
    from fer_training.reports.results import read_result

    write_part(document, "fer-train headline", make_headline([read_result(path) for path in results]))


def _load_keras() -> None:
    from fer_training.backend import load_keras

    load_keras()


def _choose(choices: dict[str, Any], name: str, what: str) -> Any:
    if name not in choices:
        raise UsageError(f"Expected as {what} one out of {', '.join(choices)}; got {name}.")
    return choices[name]


def _print_json(value: Any) -> None:
    print(json.dumps(value))  # noqa: T201


def main() -> NoReturn:
    """Run the command; every expected error is one sentence on stderr and an exit code."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else ONNX Runtime reports to its maker
    try:
        fer_console.run(app, "fer-train", sys.argv[1:])
    except OSError as error:
        fer_console.notify(f"fer-train: Could not read or write {error.filename}: {error.strerror}.")
        sys.exit(InputError.exit_code)

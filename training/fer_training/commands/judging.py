"""The commands that measure networks and let them answer."""

from pathlib import Path
from typing import Annotated

import typer

from fer_client.cli.console import notify
from fer_client.errors import InputError
from fer_client.faces.detection import choose_detector
from fer_client.settings import AUTO, Settings
from fer_training.commands import display
from fer_training.commands.common import (
    AsJson,
    Data,
    Trunk,
    Weights,
    choose,
    console,
    load_keras,
    print_json,
    tells_affect,
)
from fer_training.commands.records import kept_in, note_other_data
from fer_training.data.dataset import SPLITS, Dataset, load_dataset
from fer_training.detector.pictures import is_detector


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
    choose(dict.fromkeys(SPLITS[1:]), split, "split")
    dataset = load_dataset(data)
    load_keras()
    if tells_affect(weights):
        _evaluate_affect(weights, dataset, split, trunk, figures, as_json)
        return
    from fer_training.evaluation.evaluate import evaluate as measure

    result = measure(weights, dataset, split, figures)
    is_kept = note_other_data(weights, dataset)
    if as_json:
        print_json(result)
        return
    display.print_result(console, result, split)
    if is_kept:
        console.print(kept_in(weights, split), soft_wrap=True)
    if figures is not None:
        console.print(f"Drew the confusion matrix and the reliability into {figures}.", soft_wrap=True)


def _evaluate_detector(weights: Path, source: Path, as_json: bool) -> None:
    load_keras()
    from fer_training.detector.training import evaluate_weights

    with console.status("Reading"):
        figures = evaluate_weights(weights, source)
    if as_json:
        print_json(figures)
    else:
        display.print_detector(console, figures)


def _evaluate_affect(
    weights: Path, dataset: Dataset, split: str, trunk: Path | None, figures: Path | None, as_json: bool
) -> None:
    from fer_training.evaluation.affect import evaluate_affect
    from fer_training.models.affect import load_trunk

    opened = None if trunk is None else load_trunk(trunk)
    result = evaluate_affect(weights, dataset, split, opened, figures)
    is_kept = note_other_data(weights, dataset)
    if as_json:
        print_json(result)
        return
    display.print_affect(console, result, split)
    if is_kept:
        console.print(f"Kept in {weights.with_suffix('.json')}.", soft_wrap=True)
    if figures is not None:
        console.print(f"Drew answers over targets and the circumplex into {figures}.", soft_wrap=True)


def references(
    weights: Weights,
    data: Data,
    split: Annotated[str, typer.Option(help="Split whose faces are the queries.")] = "PublicTest",
    out: Annotated[
        Path | None, typer.Option(help="PNG file to write. Default: references.png beside the weights.")
    ] = None,
) -> None:
    """Draw queries, the references that a generative-contrastive network makes of them, and the differences."""
    choose(dict.fromkeys(SPLITS), split, "split")
    dataset = load_dataset(data)
    load_keras()
    from fer_training.evaluation.references import draw_references

    path = out or weights.with_name("references.png")
    draw_references(weights, dataset, split, path)
    console.print(f"Drew {path}.", soft_wrap=True)


def limits(weights: Weights, data: Data, as_json: AsJson = False) -> None:
    """Measure accuracy on degraded pictures of PublicTest: small, tilted, dark, covered. The record keeps it."""
    dataset = load_dataset(data)
    load_keras()
    from fer_training.evaluation.limits import measure_limits

    measured = measure_limits(weights, dataset)
    note_other_data(weights, dataset)
    if as_json:
        print_json(measured)
    else:
        display.print_limits(console, measured)


def predict(
    images: Annotated[list[Path], typer.Argument(help="Photographs, or crops of faces with --whole.")],
    weights: Annotated[Path, typer.Option(help="A .keras file with its .json record beside it.")],
    whole: Annotated[bool, typer.Option("--whole", help="Take each picture as one face; find none.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give the network's answer for each face in the pictures."""
    load_keras()
    from fer_training.evaluation.predict import predict as answer

    detector = None if whole else choose_detector(AUTO, None, Settings.min_score)
    if detector is not None and detector.is_fallback:
        notify(f"Note: {detector.advice}")
    answers, failures = answer(images, weights, detector)
    for failure in failures:
        notify(f"fer-train: {failure}")
    if as_json:
        print_json([found.as_record() for found in answers])
    else:
        display.print_answers(console, answers)
    if failures:
        raise typer.Exit(InputError.exit_code)

"""The commands that write results into files and documents."""

from pathlib import Path
from typing import Annotated

import typer

from fer_training.commands.common import Weights, load_keras, tells_affect
from fer_training.recipes import VALENCE_AROUSAL


def result(
    weights: Weights,
    out: Annotated[Path, typer.Option(help="Results file to write, such as training/results/NAME.json.")],
    onnx: Annotated[Path | None, typer.Option(help="The network as ONNX, to measure its latency.")] = None,
) -> None:
    """Write a results file from a record: its figures, cost, training time and latency."""
    load_keras()
    if tells_affect(weights):
        from fer_training.reports.affect import write_affect_result

        write_affect_result(weights, out)
        return
    from fer_training.reports.results import write_result

    write_result(weights, out, onnx)


def table(
    results: Annotated[Path, typer.Argument(help="Folder of results files.")],
    document: Annotated[Path, typer.Argument(help="Markdown file with the two marks around the table.")],
) -> None:
    """Write all results into a document, one table per recipe."""
    from fer_training.reports.documents import write_part
    from fer_training.reports.results import read_results, tables

    write_part(document, "fer-train table", tables(read_results(results)))


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


def headline(
    results: Annotated[list[Path], typer.Argument(help="Results files: the served network's, then others.")],
    document: Annotated[Path, typer.Argument(help="Markdown file with the two marks around the figures.")],
) -> None:
    """Write the main figures of networks on PrivateTest into a document, side by side."""
    from fer_training.reports.documents import write_part
    from fer_training.reports.results import headline as make_headline
    from fer_training.reports.results import read_result

    write_part(document, "fer-train headline", make_headline([read_result(path) for path in results]))

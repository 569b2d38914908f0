"""The command `fer-export`."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from fer_client.cli import console
from fer_client.errors import ContractError, UsageError

NAME = "fer-export"

if TYPE_CHECKING:
    from fer_export.exporting import ExportReport

write_app, check_app, plan_app = (
    typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for _ in range(3)
)

OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace models that the folder already holds.")
]


@write_app.command(
    help="Turn a trained Keras or ONNX network into the model repository that Triton serves, once the exported "
    "network answers as the file does on real face crops.",
    epilog=f"Also: `{NAME} check` says whether a model repository fits together, and `{NAME} plan` compiles its "
    "network with TensorRT on the GPU that will serve it.",
)
def write(
    weights: Annotated[
        Path,
        typer.Argument(
            metavar="WEIGHTS",
            help="A .keras file, with its training record .json beside it or the options that say the same; also "
            ".onnx, and the .h5 or .hdf5 of older Keras.",
        ),
    ],
    model_repository: Annotated[
        Path | None,
        typer.Option(help="Folder to write the models into. Default: NAME_repository, after the file."),
    ] = None,
    overwrite: OverwriteOption = False,
    labels: Annotated[
        str | None, typer.Option(help="Names of the outputs in order, with commas, where there is no record.")
    ] = None,
    input_range: Annotated[
        tuple[float, float] | None,
        typer.Option(
            metavar="LOW HIGH", help="What luma 0 and 255 become for the network, where there is no record."
        ),
    ] = None,
    output: Annotated[
        Literal["logits", "probabilities"] | None,
        typer.Option(help="What the network gives. Default: told by its answers."),
    ] = None,
    trust: Annotated[
        bool,
        typer.Option(
            "--trust", help="Open files that can hold code which runs as they are read: Lambda layers, HDF5."
        ),
    ] = False,
    valence_arousal: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What `fer-train run … --target valence_arousal` wrote, to be served beside the expressions.",
        ),
    ] = None,
    crops: Annotated[
        Path | None,
        typer.Option(help="Face crops to compare on: a folder or a .npy file. Default: portraits."),
    ] = None,
    crop_side: Annotated[
        int | None,
        typer.Option(
            min=8, max=1024, help="Side of the crops that clients send. Default: the first multiple ≥ 96."
        ),
    ] = None,
    max_batch_size: Annotated[
        int, typer.Option(min=1, max=4096, help="Largest batch that a model takes.")
    ] = 64,
) -> None:
    """Export one network and say what came of it."""
    _set_up_tensorflow()
    with _extra():
        from fer_export.exporting import ExportSettings, export

    repository = model_repository or Path(f"{weights.stem}_repository")
    report = export(
        ExportSettings(
            weights,
            repository,
            tuple(name.strip() for name in labels.split(",")) if labels is not None else None,
            input_range,
            output,
            crops,
            crop_side,
            max_batch_size,
            overwrite,
            trust,
            valence_arousal,
        )
    )
    _tell(report, weights, repository)


def _tell(report: "ExportReport", weights: Path, repository: Path) -> None:
    crop_shape = "x".join(map(str, report.crop_shape))
    beside = "" if report.affect is None else ", and valence and arousal"
    typer.echo(f"Wrote {repository}: {crop_shape} crops in, {', '.join(report.labels)} out{beside}.")
    typer.echo(
        f"Its probabilities and those of {weights.name}, whose outputs are {report.output}, differ by at most "
        f"{report.difference.size:.2g} on {report.crops} real crops."
    )
    if report.affect is not None:
        typer.echo(f"Valence and arousal differ by at most {report.affect.size:.2g}.")
    for answer in report.examples:
        typer.echo(f"{answer.crop}: {answer.label} {answer.confidence:.0%}")
    for name, graph in report.graphs.items():
        times = ", ".join(f"{ms:.3g} ms for {size}" for size, ms in graph.latency_ms.items())
        size = f"{graph.nodes} operations, {graph.size_bytes / 1e3:.0f} kB"
        typer.echo(f"{name}: {size}; {times} (ONNX Runtime, one thread).")
    if report.is_suspiciously_sure:
        console.notify(
            f"Note: {report.sure_share:.0%} of the crops get an answer of 99 % or more, as from a network that "
            "expects smaller numbers: check --input-range and the answers above."
        )


@check_app.command(help="Say whether configurations, ONNX files and the client's contract fit together.")
def check(
    model_repository: Annotated[Path, typer.Argument(metavar="DIR", help="The model repository.")] = Path(
        "model_repository"
    ),
) -> None:
    """Print one line per model, or every problem."""
    with _extra():
        from fer_export.checking import check as check_repository

    checked = check_repository(model_repository)
    if checked.problems or checked.contract is None:
        for problem in checked.problems:
            typer.echo(problem, err=True)
        raise ContractError(f"{model_repository} does not fit the contract: mend the above or export again.")
    for name, engine in checked.models.items():
        typer.echo(f"{name}: {engine}, fits.")
    contract = checked.contract
    crop_shape = "x".join(map(str, contract.crop_shape))
    typer.echo(
        f"{model_repository} fits the contract: {crop_shape} crops, up to {contract.max_batch_size} at a time, "
        f"{len(contract.labels)} labels ({', '.join(contract.labels)})"
        f"{', valence and arousal' if contract.has_valence_arousal else ''}."
    )


@plan_app.command(help="Compile the network with TensorRT, on the very GPU that will serve it.")
def plan(
    out: Annotated[Path, typer.Argument(help="Folder to write the repository with the plan into.")],
    model_repository: Annotated[Path, typer.Option(help="The model repository.")] = Path("model_repository"),
    optimum: Annotated[int, typer.Option(help="Batch size that TensorRT tunes for.")] = 32,
    half: Annotated[bool, typer.Option("--half", help="Compute in FP16 where that is faster.")] = False,
    trtexec: Annotated[str, typer.Option(help="Name or path of TensorRT's program.")] = "trtexec",
    overwrite: OverwriteOption = False,
) -> None:
    """Write a repository whose network is a plan."""
    from fer_export.plans import PlanSettings, build_plan

    build_plan(PlanSettings(model_repository, out, optimum, half, trtexec, overwrite))
    typer.echo(f"Wrote {out}: serve it with tritonserver --model-repository={out}.")


@contextmanager
def _extra() -> Iterator[None]:
    """Turn a missing package into the one sentence that says how to get it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(
            f"The package {error.name} is not installed: `make install` in the checkout brings it (the extra `export`)."
        ) from error


def _set_up_tensorflow() -> None:
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # What fails inside tf2onnx ends in one sentence here.
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
    # One summation order on every processor, and no banner about it.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


COMMANDS = {"write": write_app, "check": check_app, "plan": plan_app}


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command that is named, else take the arguments as those of `write`.

    An error ends in one sentence and the exit code of its class.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else ONNX Runtime reports to its maker
    words = sys.argv[1:] if arguments is None else arguments
    if words and words[0] in COMMANDS:
        console.run(COMMANDS[words[0]], f"{NAME} {words[0]}", words[1:])
    console.run(write_app, NAME, words)

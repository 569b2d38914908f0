"""The command `fer-export`."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
from typer.core import TyperGroup

from fer_client.cli import console
from fer_client.errors import ContractError, UsageError


class _WriteByDefault(TyperGroup):
    """Lets `fer-export WEIGHTS` stand for `fer-export write WEIGHTS`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help"):
            args = ["write", *args]
        return list(super().parse_args(ctx, args))


app = typer.Typer(
    cls=_WriteByDefault,
    add_completion=False,
    rich_markup_mode=None,
    subcommand_metavar="WEIGHTS | COMMAND ...",
    help="Turn a trained Keras network into the model repository that Triton serves. WEIGHTS alone means: write.",
)

RepositoryArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The model repository.")]


@app.command()
def write(
    weights: Annotated[Path, typer.Argument(help="A .keras file, with its training record .json beside it.")],
    model_repository: Annotated[Path, typer.Option(help="Folder to write the models into.")] = Path(
        "model_repository"
    ),
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
        typer.Option(
            help="What the network gives: logits (the default), or probabilities after its own softmax."
        ),
    ] = None,
    crops: Annotated[
        Path | None,
        typer.Option(
            help="Face crops to compare Keras and ONNX on: a folder or a .npy file. Default: portraits."
        ),
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
    """Write the models that Triton serves, once ONNX and Keras agree on real crops."""
    _set_up_tensorflow()
    with _extra():
        from fer_export.exporting import ExportSettings, export

    report = export(
        ExportSettings(
            weights,
            model_repository,
            tuple(name.strip() for name in labels.split(",")) if labels is not None else None,
            input_range,
            output,
            crops,
            crop_side,
            max_batch_size,
        )
    )
    difference = report.difference
    crop_shape = "x".join(map(str, report.crop_shape))
    typer.echo(f"Wrote {model_repository}: {crop_shape} crops in, {', '.join(report.labels)} out.")
    typer.echo(
        f"ONNX and Keras differ by at most {difference.size:.2g} (in {difference.tensor}) "
        f"on {report.crops} real crops."
    )
    for name, graph in report.graphs.items():
        times = ", ".join(f"{ms:.3g} ms for {size}" for size, ms in graph.latency_ms.items())
        size = f"{graph.nodes} operations, {graph.size_bytes / 1e3:.0f} kB"
        typer.echo(f"{name}: {size}; {times} (ONNX Runtime, one thread).")


@app.command()
def check(model_repository: RepositoryArgument = Path("model_repository")) -> None:
    """Say whether configurations, ONNX files and the client's contract fit together."""
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
        f"{len(contract.labels)} labels ({', '.join(contract.labels)})."
    )


@app.command()
def plan(
    out: Annotated[Path, typer.Argument(help="Folder to write the repository with the plan into.")],
    model_repository: Annotated[Path, typer.Option(help="The model repository.")] = Path("model_repository"),
    optimum: Annotated[int, typer.Option(help="Batch size that TensorRT tunes for.")] = 32,
    half: Annotated[bool, typer.Option("--half", help="Compute in FP16 where that is faster.")] = False,
    trtexec: Annotated[str, typer.Option(help="Name or path of TensorRT's program.")] = "trtexec",
) -> None:
    """Compile the network with TensorRT, on the very GPU that will serve it."""
    from fer_export.plans import PlanSettings, build_plan

    build_plan(PlanSettings(model_repository, out, optimum, half, trtexec))
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


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command; an error ends in one sentence and the exit code of its class."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else ONNX Runtime reports to its maker
    console.run(app, "fer-export", sys.argv[1:] if arguments is None else arguments)

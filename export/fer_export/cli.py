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
from fer_client.contract import EXPRESSION
from fer_client.errors import ContractError, UsageError
from fer_export.targets import Precision, Target

NAME = "fer-export"

if TYPE_CHECKING:
    from fer_client.contract import Contract
    from fer_export.exporting import ExportReport

write_app, check_app, activate_app, plan_app, detector_app = (console.new_app() for _ in range(5))

RepositoryArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The model repository.")]
TrustOption = Annotated[
    bool,
    typer.Option(
        "--trust", help="Open files that can hold code which runs: Lambda layers, HDF5, SavedModels."
    ),
]
CropsOption = Annotated[
    Path | None,
    typer.Option(help="Face crops to compare on: a folder or a .npy file. Default: portraits."),
]
ActivateOption = Annotated[
    bool, typer.Option("--activate", help="Serve the new version at once. The first one always is.")
]
OptimumOption = Annotated[int, typer.Option(min=1, help="Batch size that TensorRT tunes for.")]
TrtexecOption = Annotated[str, typer.Option(help="Name or path of TensorRT's program.")]
DEFAULT_REPOSITORY = Path("model_repository")


@write_app.command(
    help="Turn a trained Keras or ONNX network into the model repository that Triton serves, once the exported "
    "network answers as the file does on real face crops.",
    epilog=f"Also: `{NAME} check` says whether a model repository fits together and answers as it should, "
    f"`{NAME} activate` serves another of its versions, `{NAME} plan` compiles its network with TensorRT on the GPU "
    f"that will serve it, and `{NAME} detector` writes the client's own face detector.",
)
def write(
    weights: Annotated[
        Path,
        typer.Argument(
            metavar="WEIGHTS",
            help="A .keras file, with its training record .json beside it or the options that say the same; also "
            ".onnx, the folder of a SavedModel, and the .h5 or .hdf5 of older Keras.",
        ),
    ],
    model_repository: Annotated[
        Path | None,
        typer.Option(help="Folder to write the models into. Default: NAME_repository, after the file."),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Replace all versions that the folder holds. Without it, an export becomes the next version.",
        ),
    ] = False,
    activate: ActivateOption = False,
    labels: Annotated[
        str | None, typer.Option(help="Names of the outputs in order, with commas, where there is no record.")
    ] = None,
    input_range: Annotated[
        tuple[float, float] | None,
        typer.Option(
            metavar="LOW HIGH", help="What luma 0 and 255 become for the network, where there is no record."
        ),
    ] = None,
    size: Annotated[
        tuple[int, int] | None,
        typer.Option(metavar="HEIGHT WIDTH", help="Size of the input, where the file takes any."),
    ] = None,
    channels: Annotated[
        int | None,
        typer.Option(min=1, max=3, help="1 for luma, 3 for RGB, where the file takes any."),
    ] = None,
    output: Annotated[
        Literal["logits", "probabilities"] | None,
        typer.Option(help="What the network gives. Default: told by its answers."),
    ] = None,
    trust: TrustOption = False,
    valence_arousal: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What `fer-train run … --target valence_arousal` wrote, to be served beside the expressions.",
        ),
    ] = None,
    crops: CropsOption = None,
    crop_side: Annotated[
        int | None,
        typer.Option(
            min=8, max=1024, help="Side of the crops that clients send. Default: the first multiple ≥ 96."
        ),
    ] = None,
    max_batch_size: Annotated[
        int, typer.Option(min=1, max=4096, help="Largest batch that a model takes.")
    ] = 64,
    target: Annotated[
        Target,
        typer.Option(
            help="What computes the network on the server: ONNX Runtime, alone or with an accelerator that the server "
            "must have, or a TensorRT plan, which is compiled on this machine's GPU."
        ),
    ] = "onnxruntime",
    precision: Annotated[
        Precision, typer.Option(help="fp16 and int8 answer a little differently; int8 needs --data.")
    ] = "fp32",
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="A folder of `fer-train prepare`, on which accuracy is measured and int8 calibrated.",
        ),
    ] = None,
    optimum: OptimumOption = 32,
    trtexec: TrtexecOption = "trtexec",
) -> None:
    """Export one network and say what came of it."""
    _set_up_tensorflow()
    with _extra():
        from fer_export.exporting import export
        from fer_export.settings import ExportSettings

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
            size,
            channels,
            activate,
            target,
            precision,
            optimum,
            trtexec,
            data,
        )
    )
    _tell(report, weights, repository)


def _tell(report: "ExportReport", weights: Path, repository: Path) -> None:
    crop_shape = "x".join(map(str, report.crop_shape))
    beside = "" if report.affect is None else ", and valence and arousal"
    typer.echo(
        f"Wrote {repository}, version {report.version}: {crop_shape} crops in, {', '.join(report.labels)} out{beside}."
    )
    _tell_active(report.version, report.active, repository)
    if not report.is_compared:
        typer.echo(
            "ONNX Runtime on this machine lacks the accelerator, so its answers are not compared; what follows is "
            f"without it. Compare them where it serves: {NAME} check {repository} --url HOST:PORT."
        )
    typer.echo(
        f"Its probabilities and those of {weights.name}, whose outputs are {report.output}, differ by at most "
        f"{report.difference.size:.2g} on {report.crops} real {_crops(report.crops)}."
    )
    if report.affect is not None:
        typer.echo(f"Valence and arousal differ by at most {report.affect.size:.2g}.")
    for answer in report.examples:
        typer.echo(f"{answer.crop}: {answer.label} {answer.confidence:.0%}")
    for precision, accuracy in report.judged.by_precision.items():
        voters = (
            "" if accuracy.voters is None else f", of the class that most voters chose {accuracy.voters:.2%}"
        )
        typer.echo(
            f"Right in {precision} on {accuracy.images} pictures of {report.judged.data}: of the labels "
            f"{accuracy.labels:.2%}{voters}."
        )
    for name, graph in report.graphs.items():
        times = ", ".join(f"{ms:.3g} ms for {size}" for size, ms in graph.latency_ms.items())
        size = f"{graph.nodes} operations, {graph.size_bytes / 1e3:.0f} kB"
        typer.echo(f"{name}: {size}; {times} (ONNX Runtime, one thread).")
    if report.is_suspiciously_sure:
        console.notify(
            f"Note: {report.sure_share:.0%} of the crops get an answer of 99 % or more, as from a network that "
            "expects smaller numbers: check --input-range and the answers above."
        )


def _tell_active(version: int, active: int, repository: Path) -> None:
    if active != version:
        typer.echo(
            f"Version {active} goes on serving: {NAME} activate {version} {repository} serves the new one."
        )


@check_app.command(
    help="Say whether configurations, ONNX files and the client's contract fit together; with --url or --weights also "
    "whether all that computes the network answers alike on the same crops."
)
def check(
    model_repository: RepositoryArgument = DEFAULT_REPOSITORY,
    url: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="gRPC address of a server that serves this repository."),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="The file of weights that the repository was made of.")
    ] = None,
    trust: TrustOption = False,
    crops: CropsOption = None,
    trtexec: TrtexecOption = "trtexec",
) -> None:
    """Print one line per model and per comparison, or every problem."""
    _set_up_tensorflow()
    contract = _checked_contract(model_repository)
    if url is None and weights is None:
        return
    with _extra():
        from fer_export.agreement import AgreementSettings, agreement

    found = agreement(AgreementSettings(model_repository, url, weights, trust, crops, trtexec), contract)
    typer.echo(f"On {found.crops} {_crops(found.crops)}, against {found.reference}:")
    for one in found.compared:
        for output, difference in one.differences.items():
            same = f", the same label for {difference.agreement:.2%}" if output == EXPRESSION else ""
            size = f"at most {difference.size:.2g}, {difference.mean:.2g} in the mean"
            typer.echo(f"{one.name}: {output} differs by {size}{same}.")
    if not found.agrees:
        raise ContractError(
            f"The answers differ by more than {found.tolerance:g}, which {found.precision} allows: serve what was "
            "exported, or export again."
        )


def _crops(count: int) -> str:
    return "crop" if count == 1 else "crops"


def _checked_contract(model_repository: Path) -> "Contract":
    with _extra():
        from fer_export.checking import check as check_repository

    checked = check_repository(model_repository)
    if checked.problems or checked.contract is None:
        for problem in checked.problems:
            typer.echo(problem, err=True)
        raise ContractError(f"{model_repository} does not fit the contract: mend the above or export again.")
    for name, engine in checked.models.items():
        typer.echo(f"{name}: {engine}, fits.")
    for note in checked.notes:
        typer.echo(note)
    contract = checked.contract
    crop_shape = "x".join(map(str, contract.crop_shape))
    typer.echo(
        f"{model_repository} fits the contract: {crop_shape} crops, up to {contract.max_batch_size} at a time, "
        f"{len(contract.labels)} labels ({', '.join(contract.labels)})"
        f"{', valence and arousal' if contract.has_valence_arousal else ''}."
    )
    if len(checked.versions) > 1:
        typer.echo(f"Version {checked.active} of {', '.join(map(str, checked.versions))} serves.")
    if checked.accuracy:
        typer.echo(f"Accuracy as measured at export: {checked.accuracy}")
    return contract


@activate_app.command(
    help="Serve another version of a model repository: a newer one, or an older one to go back. A server that runs "
    "takes it when it is started again."
)
def activate(
    version: Annotated[int, typer.Argument(help="Number of the version; `check` names them.")],
    model_repository: RepositoryArgument = DEFAULT_REPOSITORY,
) -> None:
    """Switch, and say how to go back."""
    from fer_export.versions import activate as activate_version

    before = activate_version(model_repository, version)
    back = "" if before == version else f"; {NAME} activate {before} {model_repository} goes back"
    typer.echo(f"{model_repository} serves version {version}, from the server's next start{back}.")


@plan_app.command(
    help="Compile the network that a repository serves with TensorRT, on the very GPU that will serve it, as its next "
    "version."
)
def plan(
    model_repository: RepositoryArgument = DEFAULT_REPOSITORY,
    optimum: OptimumOption = 32,
    precision: Annotated[
        Literal["fp32", "fp16"], typer.Option(help="fp16 is faster and answers a little differently.")
    ] = "fp32",
    trtexec: TrtexecOption = "trtexec",
    activate: ActivateOption = False,
    crops: CropsOption = None,
) -> None:
    """Write a version whose network is a plan."""
    contract = _checked_contract(model_repository)
    with _extra():
        from fer_export.planning import PlanSettings, write_plan
    from fer_export.versions import active

    settings = PlanSettings(model_repository, optimum, precision, trtexec, activate, crops)
    report = write_plan(settings, contract)
    typer.echo(
        f"Wrote version {report.version} of {model_repository}, for {report.machine.gpu} and TensorRT "
        f"{report.machine.tensorrt}; on {report.crops} {_crops(report.crops)} it differs from ONNX Runtime by at most "
        f"{report.difference.size:.2g}."
    )
    _tell_active(report.version, active(model_repository), model_repository)


@contextmanager
def _extra() -> Iterator[None]:
    """Turn a missing package into the one sentence that says how to get it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(
            f"The package {error.name} is not installed: `make install` in the checkout brings it (the extra `export`)."
        ) from error


@detector_app.command(
    help="Turn the weights of `fer-train detector` into the ONNX file that OpenCV runs in the client, once OpenCV "
    "answers as Keras does."
)
def detector(
    weights: Annotated[Path, typer.Argument(metavar="WEIGHTS", help="face_detector.keras of a run.")],
    out: Annotated[Path, typer.Option(help="The ONNX file to write.")],
) -> None:
    """Export the face detector and say how near the two come."""
    _set_up_tensorflow()
    with _extra():
        from fer_export.face_detector import export_detector

    difference = export_detector(weights, out)
    typer.echo(
        f"Wrote {out}; the largest difference of an answer of OpenCV's from Keras's is {difference:.1g}."
    )


def _set_up_tensorflow() -> None:
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # What fails inside tf2onnx ends in one sentence here.
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
    # One summation order on every processor, and no banner about it.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


COMMANDS = {
    "write": write_app,
    "check": check_app,
    "activate": activate_app,
    "plan": plan_app,
    "detector": detector_app,
}


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command that is named, else take the arguments as those of `write`.

    An error ends in one sentence and the exit code of its class.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else ONNX Runtime reports to its maker
    words = sys.argv[1:] if arguments is None else arguments
    if words and words[0] in COMMANDS:
        console.run(COMMANDS[words[0]], f"{NAME} {words[0]}", words[1:])
    console.run(write_app, NAME, words)

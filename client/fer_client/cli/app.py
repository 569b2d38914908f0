"""The command `fer-client`: parses options and prints results; the work starts in `fer_client.cli.session`.

What does the work (OpenCV, FFmpeg, gRPC) is imported by the functions that need it, so that `--help` and a wrong
option are answered at once.
"""

import importlib
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from fer_client.cli import console
from fer_client.cli.options import (
    DetectorKindOption,
    DetectorOption,
    UrlOption,
    chosen_detector,
    takes_settings,
)
from fer_client.imports import uncollected
from fer_client.inference.embedded import early_server
from fer_client.pipeline.memory import check_memory, end_if_stuck
from fer_client.settings import AUTO, Settings

if TYPE_CHECKING:
    from fer_client.cli.session import Outcome

NAME = "fer-client"

analyse_app, doctor_app = console.new_app(add_completion=True), console.new_app()

_EXAMPLES = f"""\b
Examples:
  {NAME} interview.mp4
  {NAME} study/ --fps 5 -o results
  {NAME} photos/*.jpg --format xlsx
  {NAME} frames/%05d.png --sequence-fps 25
  {NAME} rtsp://camera/stream --duration 60
  {NAME} live 0       shows a camera, a stream or a video on a local page
  {NAME} compare A B  two results side by side
  {NAME} batch LIST   the videos of a list as one table, here or on a Ray cluster
  {NAME} bench VIDEO  what an analysis costs here
  {NAME} doctor       checks server, models, detector and video library
"""


def _show_version(wanted: bool) -> None:
    if wanted:
        import importlib.metadata

        typer.echo(f"{NAME} {importlib.metadata.version('fer-triton')}")
        raise typer.Exit


@analyse_app.command(
    help="Tell which expressions the faces in videos and photographs show. Writes faces.csv, episodes.csv and "
    "summary.json into OUT/<name of the input>/. An input that was done before is left as it is.",
    epilog=_EXAMPLES,
)
@takes_settings
def analyse(
    *,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Videos, photographs, folders of them, addresses (http, rtsp, ...), pictures as frames/%05d.png, "
            "or - for a list of all these on standard input.",
        ),
    ],
    url: UrlOption = None,
    detector_kind: DetectorKindOption = AUTO,
    detector_model: DetectorOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summaries as JSON.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
    **options: Any,
) -> int:
    """Analyse the inputs one after the other; `options` are those of `fer_client.settings.Settings`."""
    settings = Settings(**options)
    check_memory()
    end_if_stuck(NAME, settings.timeout_s)
    with early_server(url, inputs, console.notify) as launched:
        with uncollected():
            from fer_client.cli.display import Terminal
            from fer_client.cli.session import analyse_inputs

        detector = chosen_detector(detector_kind, detector_model, settings.min_score)
        terminal = Terminal(is_silent=as_json, min_confidence=settings.min_confidence)
        outcome = analyse_inputs(inputs, settings, detector, url, terminal, launched)
    if as_json:
        _print_json(outcome)
    for failure in outcome.failures.values():
        console.notify(f"{NAME}: {failure}")
    if detector.is_fallback and outcome.results:
        console.notify(f"Note: {detector.name} in place of YuNet: faces may be missing.")
    if outcome.ended_by:
        raise outcome.ended_by
    return outcome.exit_code


def _print_json(outcome: "Outcome") -> None:
    failed = [
        {"input": name, "exit_code": error.exit_code, "error": str(error)}
        for name, error in outcome.failures.items()
    ]
    ended_by = None if outcome.ended_by is None else str(outcome.ended_by)
    typer.echo(json.dumps({"results": outcome.results, "failed": failed, "ended_by": ended_by}, indent=2))


@doctor_app.command(
    help="Check that server, models, face detector and video library are there and fit together."
)
def doctor(url: UrlOption = None, detector_model: DetectorOption = None) -> int:
    """Print one line per finding and return the highest exit code."""
    from fer_client.cli.doctor import examine

    code = 0
    for finding in examine(url, detector_model, console.notify):
        mark = "FAIL" if finding.exit_code else "warn" if finding.is_warning else "ok"
        typer.echo(f"{mark:<5}{finding.subject:<10}{finding.text}")
        code = max(code, finding.exit_code)
    return code


SUBCOMMANDS = ("batch", "bench", "compare", "doctor", "live")


def subcommand(name: str) -> typer.Typer:
    """Return the app of one of SUBCOMMANDS; the others are not imported."""
    if name == "doctor":
        return doctor_app
    app: typer.Typer = getattr(importlib.import_module(f"fer_client.cli.{name}"), f"{name}_app")
    return app


def main() -> NoReturn:
    """Run a subcommand where one is named, else take the arguments as inputs."""
    arguments = sys.argv[1:]
    if arguments and arguments[0] in SUBCOMMANDS:
        console.run(subcommand(arguments[0]), f"{NAME} {arguments[0]}", arguments[1:])
    console.run(analyse_app, NAME, arguments)

"""`fer-client live`: a camera, a stream or a video on a local page."""

import importlib.util
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from fer_client.cli import console
from fer_client.cli.options import (
    DetectorKindOption,
    DetectorOption,
    UrlOption,
    chosen_detector,
    takes_settings,
)
from fer_client.errors import UsageError
from fer_client.settings import AUTO, Settings

DEFAULT_PORT = 8050

_PACKAGES = ("starlette", "uvicorn", "websockets")

_SETTINGS = (
    *("out", "table_format", "fps", "smooth_s", "min_confidence", "min_episode_s", "duration_s"),
    *("detection_side", "min_score", "min_face", "timeout_s"),
)

live_app = console.new_app()


@live_app.command(
    help="Show a camera, a stream or a video on a local page, with the faces' expressions as they come. Frames are "
    "dropped rather than shown late. Ctrl-C ends it; what was recorded is kept."
)
@partial(takes_settings, names=_SETTINGS)
def live(
    *,
    source: Annotated[
        str,
        typer.Argument(
            help="A camera (0, /dev/video0), an address (http, rtsp, ...), or a video, played at its own speed."
        ),
    ],
    host: Annotated[
        str, typer.Option(help="Name or address by which the page is served; 0.0.0.0 lets others look.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port of the page; 0 for any free one.", min=0, max=65535)
    ] = DEFAULT_PORT,
    is_recorded: Annotated[
        bool,
        typer.Option("--record", help="Record from the first frame on; the page starts and ends it too."),
    ] = False,
    is_looped: Annotated[bool, typer.Option("--loop", help="Play a video again and again.")] = False,
    url: UrlOption = None,
    detector_kind: DetectorKindOption = AUTO,
    detector_model: DetectorOption = None,
    **options: Any,
) -> int:
    """Show the source; `options` are those of `fer_client.settings.Settings` that a live view heeds."""
    settings = Settings(low_latency=True, **options)
    _check_packages()
    from fer_client.live.session import Plan, show_live
    from fer_client.live.source import find_live_source
    from fer_client.outputs.tables import check_format

    check_format(settings.table_format)
    detector = chosen_detector(detector_kind, detector_model, settings.min_score)
    plan = Plan(find_live_source(source), settings, detector, url, host, port, is_recorded, is_looped)
    ended = show_live(plan, console.notify, partial(_tell_ready, plan.source.label, host), _print_recording)
    console.notify(ended.sentence)
    for failure in ended.failures:
        console.notify(f"fer-client live: {failure}")
    return max((failure.exit_code for failure in ended.failures), default=0)


def _check_packages() -> None:
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"The live view needs the extra `live`, of which {', '.join(missing)} is not installed: "
            f"pip install {' '.join(_PACKAGES)}."
        )


def _tell_ready(label: str, host: str, address: str) -> None:
    from fer_client.inference.addresses import is_loopback_host

    if not is_loopback_host(host):
        console.notify(
            "Note: whoever can reach this machine sees the faces, and pictures travel unencrypted. Only pages on this "
            "machine can record."
        )
    console.notify(f"{label} is shown at {address} (Ctrl-C ends it).")


def _print_recording(result: dict[str, Any], folder: Path) -> None:
    from rich.console import Console

    from fer_client.cli.display import print_summary

    print_summary(Console(), result, folder, result["settings"]["min_confidence"])

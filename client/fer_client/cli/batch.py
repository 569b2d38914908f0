"""The command `fer-client batch`: the videos of a list as one partitioned table, here or on Ray."""

import dataclasses
import math
from collections.abc import Mapping
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
    completes,
    takes_settings,
)
from fer_client.errors import UsageError
from fer_client.settings import AUTO, Settings

_ENGINES = ("here", "ray")
_CPUS = 2

_SETTINGS = (
    *("fps", "detect_every", "smooth_s", "min_confidence", "min_episode_s", "duration_s", "overwrite"),
    *("detection_side", "min_score", "min_face", "batch_size", "in_flight", "timeout_s", "reconnect_s"),
    *("max_pixels", "partial", "sandbox"),
)

batch_app = console.new_app()

_EXAMPLES = """\b
Examples:
  fer-client batch videos.txt -o results
  fer-client batch videos.txt -o results --engine ray
  fer-client batch videos.txt -o s3://bucket/results --engine ray --address ray-head:6379 --url grpcs://triton:8001
"""


@batch_app.command(
    help="Analyse the videos of a list, each once, and write their faces and episodes as partitioned Parquet. What is "
    "done is kept: the same command again does the rest.",
    epilog=_EXAMPLES,
)
@partial(takes_settings, names=_SETTINGS)
def batch(
    *,
    manifest: Annotated[
        Path, typer.Argument(help="List of videos, a path or an address of fsspec (s3://...) a line.")
    ],
    out: Annotated[str, typer.Option("--out", "-o", help="Folder or address for the results.")] = "batch",
    engine: Annotated[
        str,
        typer.Option(
            help="here: one after the other; ray: many at once.", autocompletion=completes(_ENGINES)
        ),
    ] = "here",
    address: Annotated[
        str | None,
        typer.Option(help="Of a Ray cluster. Default: RAY_ADDRESS, else a Ray on this machine alone."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Videos at once, with ray. Default: as many as there are processors for.", min=1, max=100_000
        ),
    ] = None,
    cpus: Annotated[
        int | None,
        typer.Option("--cpus", help="Processors for each video, with ray. Default: 2.", min=1, max=64),
    ] = None,
    url: UrlOption = None,
    detector_kind: DetectorKindOption = AUTO,
    detector_model: DetectorOption = None,
    **options: Any,
) -> int:
    """Run the batch; `options` are those of `fer_client.settings.Settings` that it heeds."""
    if engine not in _ENGINES:
        raise UsageError(f"--engine must be {' or '.join(_ENGINES)}, but is {engine}.")
    settings = Settings(table_format="parquet", **options)
    if engine == "ray":
        cpus = cpus or _CPUS
        settings = dataclasses.replace(settings, detection_workers=cpus + 1)
    else:
        _check_for_ray_alone({"--workers": workers, "--cpus": cpus, "--address": address})
    from fer_client.batch.engines import Cluster
    from fer_client.batch.manifest import read_manifest
    from fer_client.batch.run import run_batch
    from fer_client.batch.worker import Plan
    from fer_client.cli.display import share_bar
    from fer_client.media.network import shown_url
    from fer_client.outputs.tables import check_format

    check_format("parquet")
    items = read_manifest(manifest)
    detector = chosen_detector(detector_kind, detector_model, settings.min_score)
    plan = Plan(settings, out, url, detector_kind, detector_model)
    noun = "one video" if len(items) == 1 else f"{len(items)} videos"
    with share_bar(noun) as show:
        account = run_batch(
            plan,
            items,
            engine,
            Cluster(address, workers, cpus or _CPUS),
            lambda done, total: show(done / total),
            overwrite=settings.overwrite,
        )
    for failure in account.failures.values():
        console.notify(f"fer-client batch: {failure}")
    length = _length(math.fsum(summary["seconds_analysed"] for summary in account.done.values()))
    typer.echo(
        f"Wrote {shown_url(out)}: {len(account.done)} of {noun}, {length}; {len(account.earlier)} were done before, "
        f"{len(account.failures)} failed"
    )
    if detector.is_fallback and account.done:
        console.notify(f"Note: {detector.name} in place of YuNet: faces may be missing.")
    return account.exit_code


def _check_for_ray_alone(options: Mapping[str, object]) -> None:
    """Raise UsageError for the first option that is given."""
    for name, value in options.items():
        if value is not None:
            raise UsageError(
                f"{name} is for Ray alone, but the engine is here, which analyses one video after the other. Add "
                f"--engine ray, or leave {name} out."
            )


def _length(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} seconds"
    return f"{seconds / 60:.1f} minutes" if seconds < 3600 else f"{seconds / 3600:.2f} hours"

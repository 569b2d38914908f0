"""The settings of a run as options of a command, made of the fields of `fer_client.settings.Settings`."""

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_type_hints

import typer

from fer_client.cli.console import notify
from fer_client.outputs.tables import FORMATS
from fer_client.settings import DETECTORS, Settings, setting_options

if TYPE_CHECKING:
    from fer_client.faces.detection import DetectorChoice

_DEFAULTS = Settings()
_CHOICES = {"table_format": FORMATS}

_ORDER = (
    *("inputs", "source", "is_recorded", "is_looped", "host", "port"),
    *("out", "annotate", "report", "anonymize", "relative", "table_format"),
    *("fps", "detect_every", "smooth_s", "min_confidence", "min_episode_s"),
    *("duration_s", "sequence_fps", "overwrite", "url", "detector_kind", "detector_model", "detection_side"),
    *("photo_side", "min_score", "min_face", "detection_workers", "batch_size", "in_flight", "timeout_s"),
    *("reconnect_s", "max_pixels", "partial", "sandbox", "low_latency", "as_json"),
)
"""Order of the help: what is asked for most comes first, what is not named here last."""


def completes(choices: Iterable[str]) -> Callable[[str], list[str]]:
    """Complete what was typed so far to those of the choices that begin with it."""
    return lambda incomplete: [choice for choice in choices if choice.startswith(incomplete)]


UrlOption = Annotated[
    str | None,
    typer.Option(
        help="Triton's gRPC endpoint: grpcs://HOST:PORT with TLS, HOST:PORT in the clear. Default: FER_TRITON_URL, a "
        "server here, an embedded one."
    ),
]
DetectorKindOption = Annotated[
    str,
    typer.Option(
        "--detector",
        help="Face detector: yunet, lumaface, or auto for YuNet where its weights are.",
        autocompletion=completes(DETECTORS),
    ),
]
DetectorOption = Annotated[
    Path | None,
    typer.Option(help="YuNet's ONNX file. Default: FER_DETECTOR_MODEL, the cache, a download."),
]


def chosen_detector(kind: str, model: Path | None, min_score: float) -> "DetectorChoice":
    """Choose the detector by its options, and tell where the weaker one serves unasked. Raises UsageError."""
    from fer_client.faces.detection import choose_detector

    detector = choose_detector(kind, model, min_score)
    if detector.is_fallback:
        notify(f"Note: {detector.advice}")
    return detector


def takes_settings(command: Callable[..., int], names: Iterable[str] | None = None) -> Callable[..., int]:
    """Let Typer hand a command its own parameters and, as `**options`, the named settings; all for None."""
    known = dict(inspect.signature(command).parameters)
    del known["options"]
    known |= {name: _parameter(name) for name in (setting_options() if names is None else names)}
    order = {name: known[name] for name in [*_ORDER, *known] if name in known}
    command.__signature__ = inspect.Signature(list(order.values()))  # type: ignore[attr-defined]
    return command


def _parameter(name: str) -> inspect.Parameter:
    option = setting_options()[name]
    shown = typer.Option(
        *option.names.split(),
        help=option.help,
        show_default="Default:" not in option.help,
        autocompletion=completes(_CHOICES[name]) if name in _CHOICES else None,
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=getattr(_DEFAULTS, name),
        annotation=Annotated[get_type_hints(Settings)[name], shown],
    )

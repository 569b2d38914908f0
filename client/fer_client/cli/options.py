"""The settings of a run as options of a command, made of the fields of `fer_client.settings.Settings`."""

import inspect
from collections.abc import Callable, Iterable
from typing import Annotated, get_type_hints

import typer

from fer_client.outputs.tables import FORMATS
from fer_client.settings import Settings, setting_options

_DEFAULTS = Settings()
_CHOICES = {"table_format": FORMATS}

_ORDER = (
    *(
        "inputs",
        "out",
        "annotate",
        "anonymize",
        "report",
        "table_format",
        "fps",
        "detect_every",
        "smooth_s",
        "min_confidence",
        "min_episode_s",
    ),
    *("duration_s", "sequence_fps", "overwrite", "url", "detector_kind", "detector_model", "detection_side"),
    *(
        "photo_side",
        "min_score",
        "min_face",
        "detection_workers",
        "batch_size",
        "in_flight",
        "timeout_s",
        "reconnect_s",
    ),
    *("max_pixels", "partial", "low_latency", "as_json"),
)
"""Order of the help: what is asked for most comes first, what is not named here last."""


def takes_settings(command: Callable[..., int]) -> Callable[..., int]:
    """Let Typer hand a command its own parameters and, as `**options`, every setting."""
    known = dict(inspect.signature(command).parameters)
    del known["options"]
    known |= {name: _parameter(name) for name in setting_options()}
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


def completes(choices: Iterable[str]) -> Callable[[str], list[str]]:
    """Complete what was typed so far to those of the choices that begin with it."""
    return lambda incomplete: [choice for choice in choices if choice.startswith(incomplete)]

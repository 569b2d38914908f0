"""Thin client: a video in, a table of facial expressions over time out, computed by a Triton server.

    from fer_client import analyze

    for face in analyze("interview.mp4", fps=5):
        print(face.time_s, face.track, face.expression, face.confidence)

`Analyzer` keeps server and detector for several inputs, and also gives rows, episodes and summaries. Nothing
heavy is imported before it is used.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fer_client.api import Analyzer, Result, analyze
    from fer_client.errors import ContractError, FerError, InputError, ServerError, UsageError
    from fer_client.media.arrays import ArrayVideo
    from fer_client.outputs.face_records import FaceRecord
    from fer_client.pipeline.analysis import Progress
    from fer_client.temporal.episodes import Episode

_HOMES = {
    "Analyzer": "api",
    "ArrayVideo": "media.arrays",
    "ContractError": "errors",
    "Episode": "temporal.episodes",
    "FaceRecord": "outputs.face_records",
    "FerError": "errors",
    "InputError": "errors",
    "Progress": "pipeline.analysis",
    "Result": "api",
    "ServerError": "errors",
    "UsageError": "errors",
    "analyze": "api",
}

__all__ = [
    "Analyzer",
    "ArrayVideo",
    "ContractError",
    "Episode",
    "FaceRecord",
    "FerError",
    "InputError",
    "Progress",
    "Result",
    "ServerError",
    "UsageError",
    "analyze",
]


def __getattr__(name: str) -> object:
    """Import a public name from its module when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'fer_client' has no attribute '{name}'")
    return getattr(importlib.import_module(f"fer_client.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Name what is public, also before it is first asked for."""
    return sorted(__all__)

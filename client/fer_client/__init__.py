"""Thin client: a video in, a table of facial expressions over time out, computed by a Triton server.

    from fer_client import analyze

    for face in analyze("interview.mp4", fps=5):
        print(face.time_s, face.track, face.expression, face.confidence)

Nothing heavy is imported before it is used.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fer_client.analysis import Progress
    from fer_client.api import analyze
    from fer_client.errors import ContractError, FerError, InputError, ServerError, UsageError
    from fer_client.records import FaceRecord

_HOMES = {
    "ContractError": "errors",
    "FaceRecord": "records",
    "FerError": "errors",
    "InputError": "errors",
    "Progress": "analysis",
    "ServerError": "errors",
    "UsageError": "errors",
    "analyze": "api",
}

__all__ = [
    "ContractError",
    "FaceRecord",
    "FerError",
    "InputError",
    "Progress",
    "ServerError",
    "UsageError",
    "analyze",
]


def __getattr__(name: str) -> object:
    """Import a public name from its module when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'fer_client' has no attribute '{name}'")
    return getattr(importlib.import_module(f"fer_client.{_HOMES[name]}"), name)

"""Whether an earlier run's result still holds, so that a long run that was stopped goes on where it was."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fer_client.tables import FORMATS

_TABLES = ("faces", "episodes")
_REASONS = {
    "input": "the input has changed",
    "models": "another network, face detector or release serves",
}


@dataclass(frozen=True)
class Earlier:
    """What was found of an earlier run: a `result` that still holds, or why it does not (`reason`).

    Neither where there is nothing.
    """

    result: dict[str, Any] | None = None
    reason: str | None = None


def find_earlier(target: Path, table_format: str, identity: Mapping[str, Any]) -> Earlier:
    """Look at the folder `target`, which appeared whole or not at all.

    Its result holds where the tables are there in this format and all that decides a result, as
    `fer_client.analysis.identity` tells it, is the same. What comes from an address never holds.
    """
    try:
        result = json.loads((target / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Earlier()
    if not isinstance(result, dict):
        return Earlier()
    if identity["input"]["fingerprint"] is None:
        return Earlier(reason="what comes from an address may have changed")
    reason = _missing(target, table_format) or _difference(result, identity)
    return Earlier(reason=reason) if reason else Earlier(result)


def _missing(target: Path, table_format: str) -> str | None:
    """Say which table is not there, None where both are."""
    missing = [name for name in _TABLES if not (target / f"{name}.{table_format}").is_file()]
    if not missing:
        return None
    if any(all((target / f"{name}.{form}").is_file() for name in _TABLES) for form in FORMATS):
        return "its tables are in another format"
    return f"{missing[0]}.{table_format} is missing"


def _difference(result: Mapping[str, Any], identity: Mapping[str, Any]) -> str | None:
    """Say what differs first, None where nothing does."""
    was, now = result.get("settings"), identity["settings"]
    for name, value in now.items():
        if not isinstance(was, dict) or name not in was:
            return "it is of another release"
        if was[name] != value:
            return f"{name} was {was[name]} and is {value}"
    return next((text for part, text in _REASONS.items() if result.get(part) != identity[part]), None)

"""Reuse: an earlier run's result is kept where its cache key, the provenance, is still the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fer_client.inference.probe import is_same
from fer_client.outputs.episodes_table import EpisodesTable
from fer_client.outputs.faces_table import FacesTable
from fer_client.outputs.places import Place
from fer_client.outputs.tables import FORMATS

_TABLES = (FacesTable.name, EpisodesTable.name)
_NETWORKS = "another network, face detector or release serves"


@dataclass(frozen=True)
class Earlier:
    """What was found of an earlier run: a `result` that still holds, or why it does not.

    That is a `reason` to analyse the input again, or a `choice` of the user that another result was made by: a
    setting of that time and now, so that only the user can say which of the results is to be kept. None of
    these where there is no earlier result.
    """

    result: dict[str, Any] | None = None
    reason: str | None = None
    choice: str | None = None


def judge(place: Place, table_format: str, provenance: Mapping[str, Any]) -> Earlier:
    """Look at the earlier result of an input; its folder appeared whole or not at all.

    It holds where the tables are there in this format and all that decides a result, as
    `fer_client.outputs.provenance` tells it, is the same. What comes from an address never holds.
    """
    result = place.earlier
    if result is None:
        return Earlier()
    if choice := _other_choice(result.get("settings"), provenance["settings"]):
        return Earlier(choice=choice)
    reason = _missing(place.folder, table_format) or _difference(result, provenance)
    return Earlier(reason=reason) if reason else Earlier(result)


def _other_choice(was: object, now: Mapping[str, Any]) -> str | None:
    """Say which setting differs first, None where none does; a setting that is new is not the user's choice."""
    if not isinstance(was, dict):
        return None
    differing = (name for name, value in now.items() if name in was and was[name] != value)
    return next((f"{name} was {was[name]} and is {now[name]}" for name in differing), None)


def _missing(target: Path, table_format: str) -> str | None:
    """Say which table is not there, None where both are."""
    missing = [name for name in _TABLES if not (target / f"{name}.{table_format}").is_file()]
    if not missing:
        return None
    if any(all((target / f"{name}.{form}").is_file() for name in _TABLES) for form in FORMATS):
        return "its tables are in another format"
    return f"{missing[0]}.{table_format} is missing"


def _difference(result: Mapping[str, Any], provenance: Mapping[str, Any]) -> str | None:
    """Say what differs first, settings apart; None where nothing does."""
    fingerprint = provenance["input"]["fingerprint"]
    if fingerprint is None:
        return "what comes from an address may have changed"
    if result["input"].get("fingerprint") != fingerprint:
        return "the input has changed"
    if not _has_all(result.get("settings"), provenance["settings"]):
        return "it is of another release"
    return None if are_same_models(result.get("models"), provenance["models"]) else _NETWORKS


def _has_all(was: object, now: Mapping[str, Any]) -> bool:
    return isinstance(was, dict) and now.keys() <= was.keys()


def are_same_models(was: object, now: Mapping[str, Any]) -> bool:
    """Compare the records of the models: the served network's answers up to TOLERANCE, all else exactly."""
    if not isinstance(was, dict) or not is_same(was.get("answers"), now["answers"]):
        return False
    return {**was, "answers": None} == {**now, "answers": None}

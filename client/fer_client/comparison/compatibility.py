"""Whether a comparison means anything: what must be the same of both results, and what a reader should know."""

from collections.abc import Iterator, Mapping
from typing import Any

from fer_client.comparison.sides import Side
from fer_client.errors import UsageError
from fer_client.inference.probe import is_same


def check_sides(first: Side, second: Side) -> None:
    """Raise UsageError where a difference would be one of the networks or the inputs, or where there is none."""
    is_one_folder = first.result.folder.resolve() == second.result.folder.resolve()
    if is_one_folder and (first.face is None or second.face is None or first.face == second.face):
        raise UsageError(
            f"Expected two results, or two faces of one, but both are {first.result.folder}. Name another folder, or "
            f"a face of it behind each: {first.result.folder}:1 {first.result.folder}:2."
        )
    if first.is_photographs != second.is_photographs:
        raise UsageError(
            "Expected two videos or two sets of photographs, but one of the results is of photographs, where faces "
            "count and not time. Compare results of one kind."
        )
    _check_networks(first, second)


def _check_networks(first: Side, second: Side) -> None:
    if first.result.labels != second.result.labels:
        raise UsageError(
            f"Expected two results with the same expressions, but {first.result.folder} has "
            f"{', '.join(first.result.labels)} and {second.result.folder} has {', '.join(second.result.labels)}. "
            "Analyse both with one network, with --overwrite."
        )
    if not _is_one_network(*(side.result.summary["models"] for side in (first, second))):
        raise UsageError(
            f"Expected two results of one network, but those in {first.result.folder} and {second.result.folder} are "
            "of two, so that their difference would be one of the networks. Analyse both with one, with --overwrite."
        )


def _is_one_network(was: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Compare the answers that say which network it was; results of early releases have a checksum at most."""
    if was.get("answers") is None or now.get("answers") is None:
        return bool(was.get("network") == now.get("network"))
    return is_same(was["answers"], now["answers"])


def notes(first: Side, second: Side) -> Iterator[str]:
    """Yield, in a sentence each, what else than the faces themselves may lie behind a difference."""
    models = [side.result.summary["models"] for side in (first, second)]
    if any(model.get("answers") is None and model.get("network") is None for model in models):
        yield "The results do not say which network they are of: make sure that it was the same."
    if _differ(models, "detector") or _differ(models, "detector_weights"):
        yield (
            f"Two face detectors found the faces ({models[0].get('detector')} in A, {models[1].get('detector')} in B): "
            "part of a difference may come from which faces they miss."
        )
    if _differ(models, "client"):
        yield f"Two releases made the results ({models[0].get('client')} and {models[1].get('client')})."
    if settings := ", ".join(_other_settings(first.result.summary, second.result.summary)):
        yield f"The settings differ ({settings}): part of a difference may come from that."
    if is_one_recording(first, second) and first.face == second.face:
        yield "Both results are of the same recording."
    for letter, side in (("A", first), ("B", second)):
        for warning in side.result.summary.get("warnings", ()):
            yield f"{letter}: {warning}"


def is_one_recording(first: Side, second: Side) -> bool:
    """Whether both are of an input with the same content."""
    prints = [side.result.summary["input"].get("fingerprint") for side in (first, second)]
    return prints[0] is not None and prints[0] == prints[1]


def min_confidence(first: Side, second: Side) -> float:
    """Least confidence of an answer that counts as certain: the higher one, so that one rule holds for both."""
    return max(float(_settings(side.result.summary).get("min_confidence", 0.0)) for side in (first, second))


def _other_settings(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    ours, theirs = _settings(was), _settings(now)
    for name in sorted(ours.keys() & theirs.keys()):
        if ours[name] != theirs[name]:
            yield f"{name} is {ours[name]} in A and {theirs[name]} in B"


def _settings(summary: Mapping[str, Any]) -> Mapping[str, Any]:
    settings = summary.get("settings")
    return settings if isinstance(settings, dict) else {}


def _differ(models: list[Mapping[str, Any]], name: str) -> bool:
    return models[0].get(name) != models[1].get(name)

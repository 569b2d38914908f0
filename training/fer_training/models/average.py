"""One network from several that began alike: the mean of their weights (Wortsman et al. 2022, arXiv 2203.05482).

It costs no more than one of them. Networks that did not begin with the same trained weights have their features in
different places, and their mean is worth nothing.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_client.cli.console import notify
from fer_client.errors import InputError, UsageError
from fer_training.files import file_sha256, replacing
from fer_training.models.leakage import relation
from fer_training.models.record import load_network, load_record, save_record


def average(members: Sequence[Path], shares: Sequence[float], out: Path) -> None:
    """Write the weighted mean of the members to `out`, a `.keras` file, with its record beside it.

    `shares`: one number above 0 for each member, or none for equal parts. The record is that of the last member,
    without figures and with a temperature of 1, until `fer-train evaluate` finds its own. Raises UsageError where
    the numbers do not fit, InputError where the members are not of one kind and origin.
    """
    parts = _parts(len(members), shares)
    record = _common_record(members)
    networks = [load_network(path) for path in members]
    means = [
        np.tensordot(parts, np.stack(weights), axes=1).astype(weights[0].dtype)
        for weights in zip(*(network.get_weights() for network in networks), strict=True)
    ]
    networks[-1].set_weights(means)
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as beside:
        networks[-1].save(beside)
    origin = [
        {"sha256": file_sha256(path), "share": round(float(part), 6)}
        for path, part in zip(members, parts, strict=True)
    ]
    anew: dict[str, Any] = {"temperature": 1.0, "temperature_fitted_on": None, "metrics": {}, "limits": {}}
    save_record(out, record | {"average_of": origin} | anew)


def _parts(count: int, shares: Sequence[float]) -> NDArray[np.float64]:
    if count < 2:
        raise UsageError(f"Expected two networks or more to average; came {count}.")
    if shares and (len(shares) != count or min(shares) <= 0):
        raise UsageError(f"Expected one --share above 0 for each of the {count} networks, or none at all.")
    given = np.array(shares or [1.0] * count, np.float64)
    return np.asarray(given / given.sum())


def _common_record(members: Sequence[Path]) -> dict[str, Any]:
    """Return the last member's record; all must be of one architecture, with the same labels and data."""
    records = [load_record(path) for path in members]
    for path, record in zip(members, records, strict=True):
        for name, value in _kind(record).items():
            if value != _kind(records[-1])[name]:
                raise InputError(
                    f"Expected networks with the same {name} to average; {path} and {members[-1]} differ in it."
                )
        _check_data(path, record, records[-1])
    if not set.intersection(*(_origins(path, record) for path, record in zip(members, records, strict=True))):
        raise InputError(
            "Expected networks that began with the same trained weights (`fer-train run … --start`), or one and what "
            "it began with; the mean of others is worth nothing."
        )
    return records[-1]


def _check_data(path: Path, record: dict[str, Any], last: dict[str, Any]) -> None:
    """Refuse other splits, labels or votes of the same images; say so where they are not known."""
    found = relation(record.get("data", {}), last.get("data", {}))
    if found == "mixed up":
        raise InputError(
            "Expected networks that learned from the same splits, labels and votes, else one has learned from the "
            f"PublicTest of the other; {path} did not. Train it anew on the data of the last one."
        )
    if found == "unknown" and record is not last:
        notify(
            f"Note: whether {path} learned from the same splits, labels and votes as the last network cannot be told, "
            "since the record of one of them is of an older version."
        )


def _origins(path: Path, record: dict[str, Any]) -> set[str]:
    """SHA-256 of the network and of what it began with: those that may be averaged have one in common."""
    return {file_sha256(path), record.get("start") or file_sha256(path)}


def _kind(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "architecture": record["architecture"],
        "labels": record["labels"],
        "data": record.get("data", {}).get("sha256"),
    }

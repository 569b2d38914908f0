"""Keep PublicTest out of what a network learns by way of others: its teachers, and the one that it starts from.

A network that learned from the same pictures under other splits has seen pictures that choices are made by here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from fer_client.cli.console import notify
from fer_client.errors import InputError
from fer_training.data.dataset import Dataset
from fer_training.models.record import FINGERPRINTS, load_record

Relation = Literal["same", "mixed up", "other", "unknown"]


def relation(learned: Mapping[str, Any], given: Mapping[str, Any]) -> Relation:
    """Compare two descriptions of data by name and fingerprints.

    "mixed up" is the same dataset, by name or by its images, with other images, splits, labels or votes; "other" is
    another dataset. "unknown" is what a record of an older version, without all fingerprints, leaves open.
    """
    known = [name for name in FINGERPRINTS if learned.get(name) and given.get(name)]
    if any(learned[name] != given[name] for name in known):
        is_one = any(learned.get(name) == given.get(name, "") for name in ("name", "sha256"))
        return "mixed up" if is_one else "other"
    return "same" if len(known) == len(FINGERPRINTS) else "unknown"


def check_origin(weights: Path, dataset: Dataset, what: str) -> None:
    """Refuse a network that may have learned from this data's PublicTest; tell the user what cannot be known.

    `what` says what the network is to be, such as "a teacher". Raises InputError.
    """
    learned = load_record(weights, target=None).get("data") or {}
    name = learned.get("name", "unknown data")
    found = relation(learned, dataset.description)
    if found == "mixed up":
        raise InputError(
            f"Expected {what} that has not learned from this data's PublicTest, but {weights} learned from {name} with "
            "other images, splits, labels or votes. Train it anew on this data, or give the data that it learned from."
        )
    if found == "other":
        notify(
            f"Note: {weights} learned from {name}, other data; where pictures of PublicTest stand in that, too, the "
            "figures will be too good."
        )
    if found == "unknown":
        notify(
            f"Note: whether {weights} learned from PublicTest cannot be told, since its record or the data are of an "
            "older version."
        )

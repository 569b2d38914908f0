"""The list of videos of a batch: a path or an address a line, each named once."""

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fer_client.errors import UsageError
from fer_client.media.network import is_url, shown_url

_LONGEST_STEM = 40


@dataclass(frozen=True)
class Item:
    """One video: where it is, an absolute path or an address of fsspec, and the name of its part of the results."""

    place: str
    key: str

    @property
    def shown(self) -> str:
        """The place without secrets."""
        return shown_url(self.place)


def read_manifest(path: Path) -> list[Item]:
    """Read the list; empty lines and those that begin with # are passed over.

    Raises UsageError where it cannot be read, is empty or names a video twice.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"Expected a list of videos, one a line, in UTF-8, but {path} cannot be read: {error}."
        ) from error
    items = make_items(line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#"))
    if not items:
        raise UsageError(f"Expected a list of videos, one a line, but {path} names none.")
    return items


def make_items(places: Iterable[str]) -> list[Item]:
    """Make items of paths, from the current folder, and addresses. Raises UsageError where two are the same."""
    items: dict[str, Item] = {}
    for place in places:
        whole = place if is_url(place) else os.path.abspath(place)
        if whole in items:
            raise UsageError(
                f"{items[whole].shown} is named twice, so its faces would count twice. Name it once."
            )
        items[whole] = Item(whole, _key(whole))
    return list(items.values())


def _key(place: str) -> str:
    """Name a video's part of the results: readable, the same in every run, and different for every place."""
    stem = re.sub(r"[^A-Za-z0-9]+", "-", PurePosixPath(shown_url(place).partition("?")[0]).stem).strip("-")
    return f"{stem[:_LONGEST_STEM] or 'video'}-{hashlib.sha256(place.encode()).hexdigest()[:12]}"

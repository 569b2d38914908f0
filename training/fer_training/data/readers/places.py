"""Where in a folder an archive's parts lie: at its top, or below folders of the archive."""

from collections.abc import Sequence
from pathlib import Path

from fer_client.errors import InputError


def first_place(root: Path, candidates: Sequence[str], what: str, archive: str) -> Path:
    """Give the first of the candidates that is there; InputError, naming the part and the archive, where none is."""
    for candidate in candidates:
        if (root / candidate).exists():
            return root / candidate
    raise InputError(
        f"Expected {what} in {root}, or below it as in {archive} archive ({', '.join(candidates[1:])}), but it is "
        "not there. Give the folder that the archive was unpacked into."
    )

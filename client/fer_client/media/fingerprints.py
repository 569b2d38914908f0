"""Fingerprints of inputs, from samples of their content: by these a changed input is told from a copy."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

_BLOCK = 16_384
_BLOCKS = 16
_BLOCKS_OF_A_SET = 2


def fingerprint(paths: Sequence[Path]) -> str:
    """Return the SHA-256, in hexadecimal, of the files' sizes and of blocks spread over each, first and last included.

    256 KiB of one file, 32 KiB of each of several, whose names count too. A new encoding, a cut or a tag
    changes it; a copy, a move of the folder or a new date does not. A file that cannot be read counts as such.
    """
    digest = hashlib.sha256()
    for path in paths:
        if len(paths) > 1:
            digest.update(os.fsencode(path.name) + b"\0")
        try:
            _add_samples(digest, path, _BLOCKS if len(paths) == 1 else _BLOCKS_OF_A_SET)
        except OSError:
            digest.update(b"unreadable")
    return digest.hexdigest()


def _add_samples(digest: "hashlib._Hash", path: Path, blocks: int) -> None:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        digest.update(size.to_bytes(8, "little"))
        last = max(0, size - _BLOCK)
        for place in sorted({last * block // (blocks - 1) for block in range(blocks)}):
            file.seek(place)
            digest.update(file.read(_BLOCK))

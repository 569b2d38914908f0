"""Inputs as the command line names them."""

from pathlib import Path

from fer_client.media.discovery import find_inputs
from fer_client.media.sources import Source


def touch(folder: Path, *names: str) -> None:
    """Make files of one byte, and the folders that they need."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def found(*words: object, fps: float | None = None, out: Path | None = None) -> list[Source]:
    """The sources that these words stand for, none of them wrong."""
    inputs = find_inputs([str(word) for word in words], fps, out)
    assert not inputs.failures
    return inputs.sources

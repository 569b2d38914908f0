"""The command `fer-client` as tests run and judge it."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, NamedTuple


class Done(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


Command = Callable[..., Done]


def start(
    arguments: Sequence[object],
    cwd: Path,
    stdout: IO[str] | int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    **environ: str,
) -> "subprocess.Popen[str]":
    """Start `fer-client` as a process of its own, with these additions to the environment."""
    return subprocess.Popen(
        [sys.executable, "-m", "fer_client", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | environ,
        stdout=stdout,
        stderr=stderr,
        text=True,
    )


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a table that fer-client wrote."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def assert_fails(done: Done, code: int, *words: str) -> None:
    """The command ended with the code and one sentence of its own on standard error that holds the words."""
    assert done.returncode == code, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stderr.startswith("fer-client: ")
    for word in words:
        assert word in done.stderr

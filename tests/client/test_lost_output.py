"""What standard output does not take ends nothing; a full disk does not pass for success."""

import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import pytest

COMMAND = (sys.executable, "-m", "fer_client", "--help")


def told(stdout: int | IO[Any], **environment: str) -> tuple[int, str]:
    """Exit code and standard error of a command whose standard output goes there."""
    done = subprocess.run(
        COMMAND, stdout=stdout, stderr=subprocess.PIPE, text=True, env=os.environ | environment, timeout=60
    )
    return done.returncode, done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk(encoding: str, unbuffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        code, sentence = told(full, PYTHONIOENCODING=encoding, PYTHONUNBUFFERED=unbuffered)
    assert code == 2
    assert sentence == (
        "fer-client: standard output takes no more (No space left on device); what it should show is lost.\n"
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_gone(unbuffered: str) -> None:
    reader, gone = os.pipe()
    os.close(reader)
    assert told(gone, PYTHONUNBUFFERED=unbuffered) == (0, "")
    os.close(gone)

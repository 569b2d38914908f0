"""Damaged files of all common forms, from a seeded generator: read or refused, and nothing else."""

from pathlib import Path

import pytest

from benchmarks.fuzz_media import SOUND, fuzz
from support.fault_record import FaultRecord

pytestmark = pytest.mark.faults
MUTANTS = 200


def test_every_damaged_file_is_read_or_refused(tmp_path: Path, faults: FaultRecord) -> None:
    outcomes = fuzz(120, 17, tmp_path, 60, MUTANTS)
    assert set(outcomes) <= set(SOUND), list(tmp_path.iterdir())
    assert outcomes["read"] > 20
    assert outcomes["refused"] > 20
    happened = "read, in part with --partial, or refused in one sentence"
    faults.held("input", "files damaged at random, of 16 forms", happened, tried=outcomes.total())

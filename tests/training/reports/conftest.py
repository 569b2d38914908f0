import json
from pathlib import Path

import pytest

from fer_training.reports.results import result_of
from support.training_results import EXTRA, made_record


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder of two results, the better one of which was judged on PrivateTest and timed."""
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "worse.json").write_text(json.dumps(result_of(made_record(0.61), EXTRA)))
    (folder / "better.json").write_text(
        json.dumps(result_of(made_record(0.70, 0.712), EXTRA | {"latency_ms": 1.26}))
    )
    return folder

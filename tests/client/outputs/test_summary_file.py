"""The file summary.json: what it counts and names."""

import json
from pathlib import Path

import pytest

from support.command import Command
from support.protocol_server import LABELS


def test_summary_counts_and_shares(run: Command, face_video: Path, tmp_path: Path) -> None:
    done = run(face_video, "--json", "--min-confidence", 0)
    printed = json.loads(done.stdout)
    written = json.loads((tmp_path / "out" / "face" / "summary.json").read_text())
    assert printed == {"results": [written], "failed": [], "ended_by": None}
    assert (written["frames_decoded"], written["frames_analysed"], written["frames_without_face"]) == (
        30,
        30,
        10,
    )
    assert sum(written["overall"]["share"].values()) == pytest.approx(1, abs=1e-5)
    assert written["overall"]["dominant_expression"] in LABELS
    assert [track["frames"] for track in written["tracks"]] == [20]
    assert {"decode", "detect", "crop", "wait_for_server", "write", "total"} <= written[
        "stage_seconds"
    ].keys()
    assert written["models"]["detector"] == "LumaFace"
    assert written["models"]["detector_weights"]

"""The same input gives the same tables, byte by byte, however it is sent and by how many it is looked at."""

import itertools
from pathlib import Path

from support.command import Command


def test_tables_do_not_depend_on_batches_or_workers(run: Command, face_video: Path, tmp_path: Path) -> None:
    found = set()
    ways = [(1, 1, 1), (3, 2, 4), (64, 4, 2), (64, 4, 2)]
    for number, (batch, workers, in_flight) in enumerate(ways):
        options = (
            "--batch-size",
            batch,
            "--workers",
            workers,
            "--in-flight",
            in_flight,
            "--out",
            f"out{number}",
        )
        assert run(face_video, *options).returncode == 0
        folder = tmp_path / f"out{number}" / "face"
        found.add(tuple((folder / name).read_bytes() for name in ("faces.csv", "episodes.csv")))
    assert len(found) == 1


def test_the_same_where_the_detector_looks_at_every_frame(
    run: Command, face_video: Path, tmp_path: Path
) -> None:
    tables = []
    for number, (batch, workers) in enumerate(itertools.product((1, 64), (1, 3))):
        options = ("--batch-size", batch, "--workers", workers, "--detect-every", 1, "--out", f"out{number}")
        assert run(face_video, *options).returncode == 0
        tables.append((tmp_path / f"out{number}" / "face" / "faces.csv").read_bytes())
    assert len(set(tables)) == 1

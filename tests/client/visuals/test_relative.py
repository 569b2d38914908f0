"""`--relative` writes two more tables, from the tables of a result that stands."""

import csv
from pathlib import Path

import pytest

from support.command import Command
from support.results import stored_rows
from support.videos import face_frame, write_video


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "out" / "long"


@pytest.fixture
def long_video(tmp_path: Path) -> Path:
    write_video(tmp_path / "long.mp4", [face_frame()] * 60, [12_000 * place for place in range(60)])
    return tmp_path / "long.mp4"


def test_a_row_stands_for_every_face_and_a_rest_for_every_track(
    run: Command, long_video: Path, folder: Path
) -> None:
    assert run(long_video, "--relative").returncode == 0
    faces = [row for row in stored_rows(folder / "faces.csv") if row["track"] is not None]
    relative = stored_rows(folder / "relative.csv")
    assert [(row["frame"], row["track"]) for row in relative] == [
        (row["frame"], row["track"]) for row in faces
    ]
    (rest,) = stored_rows(folder / "baselines.csv")
    assert rest["track"] == 1
    shares = [value for name, value in rest.items() if name.startswith("rest_p_")]
    assert sum(float(str(share)) for share in shares) == pytest.approx(1, abs=1e-4)
    answers = [value for name, value in relative[0].items() if name.startswith("relative_p_")]
    assert sum(float(str(answer)) for answer in answers) == pytest.approx(1, abs=1e-4)


def test_a_result_that_stands_gets_them_without_being_analysed_again(
    run: Command, long_video: Path, folder: Path
) -> None:
    run(long_video)
    before = (folder / "summary.json").read_bytes()
    done = run(long_video, "--relative")
    assert "done before" in done.stdout
    assert "Added to out/long/: baselines.csv, relative.csv" in done.stdout
    assert (folder / "relative.csv").exists()
    assert (folder / "summary.json").read_bytes() == before


def test_what_it_wrote_stands_in_the_way_of_no_later_run(
    run: Command, face_video: Path, tmp_path: Path
) -> None:
    for options in ([], [], ["--format", "jsonl"], ["--overwrite"], ["--fps", "5", "--overwrite"]):
        done = run(face_video, "--relative", *options)
        assert done.returncode == 0, (options, done.stderr)
    assert run(face_video, "--overwrite").returncode == 0
    assert not (tmp_path / "out" / "face" / "relative.csv").exists()


def test_a_short_track_has_empty_cells(run: Command, face_video: Path, tmp_path: Path) -> None:
    done = run(face_video, "--relative")
    assert "no face holds still for 1 s" in done.stderr
    with (tmp_path / "out" / "face" / "relative.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["relative_expression"] for row in rows} == {""}


def test_photographs_are_told_that_they_have_no_rest_and_get_all_else(
    run: Command, photographs: Path, tmp_path: Path
) -> None:
    done = run(photographs, "--relative", "--annotate")
    assert done.returncode == 0
    assert "photos: no relative tables, since a resting face is found over time." in done.stderr
    assert list(tmp_path.glob("out/**/annotated/*.png"))
    assert not list(tmp_path.glob("out/**/relative.csv"))

"""What a refusal of a result's place advises holds."""

from pathlib import Path

from support.command import Command, assert_fails
from support.videos import face_frame, write_video


def write(path: Path, count: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, [face_frame()] * count)


def test_inputs_of_one_name_go_by_separate_runs_into_one_folder(run: Command, tmp_path: Path) -> None:
    write(tmp_path / "day1" / "talk.mp4", 2)
    write(tmp_path / "day2" / "talk.mp4", 3)
    done = run("day1/talk.mp4", "day2/talk.mp4")
    assert_fails(done, 2, "talk.mp4", "separate runs")
    assert "--out" not in done.stderr
    for day in ("day1", "day2"):
        assert run(f"{day}/talk.mp4").returncode == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"talk", "talk-2"}


def test_results_below_a_result_are_not_called_files_of_the_user(run: Command, tmp_path: Path) -> None:
    write(tmp_path / "talk" / "a.mp4", 2)
    write(tmp_path / "talk.mp4", 3)
    assert run("talk").returncode == 0
    done = run("talk.mp4")
    assert_fails(done, 2, "out/talk holds", "(a)", "--out")
    assert "did not write" not in done.stderr
    assert (tmp_path / "out" / "talk" / "a" / "summary.json").exists()

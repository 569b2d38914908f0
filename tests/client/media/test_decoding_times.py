"""Videos that are decoded in another order than shown, in containers that state decoding times alone."""

import json
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from fer_client.media.video import open_video
from support.command import Command, read_rows
from support.videos import face_frame, write_video

PICTURES = [face_frame(2 * index) for index in range(20)]
EVEN = [512 * index for index in range(20)]
WITH_A_GAP = [512 * index for index in [*range(10), *range(15, 25)]]


def times_of(path: Path) -> list[float]:
    with open_video(path) as video:
        return [frame.time_s for frame in video.frames(allow_corruption=True)]


def copied(source: Path, path: Path, keeps: Callable[[int], bool]) -> None:
    """The packets of a video by their numbers, with their times."""
    with av.open(str(source)) as whole, av.open(str(path), "w") as part:
        stream = part.add_stream_from_template(whole.streams.video[0])
        for number, packet in enumerate(whole.demux(video=0)):
            if packet.size and keeps(number):
                packet.stream = stream
                part.mux(packet)


@pytest.mark.parametrize("suffix", ["avi", "asf"])
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_times_rise_as_they_were_written(tmp_path: Path, suffix: str, codec: str) -> None:
    path = tmp_path / f"a.{suffix}"
    written = write_video(path, PICTURES, EVEN, codec)
    assert times_of(path) == pytest.approx(written)


def test_a_gap_stays_within_the_pictures_that_wait(tmp_path: Path) -> None:
    written = write_video(tmp_path / "a.avi", PICTURES, WITH_A_GAP)
    times = times_of(tmp_path / "a.avi")
    assert times == sorted(times)
    assert [times[0], *times[-6:]] == pytest.approx([0, *written[-6:]])


def test_lost_packets_shift_no_later_times(tmp_path: Path) -> None:
    write_video(tmp_path / "whole.avi", PICTURES, EVEN, gop=8)
    copied(tmp_path / "whole.avi", tmp_path / "part.avi", lambda number: number not in range(5))
    whole, part = times_of(tmp_path / "whole.avi"), times_of(tmp_path / "part.avi")
    assert part[-8:] == pytest.approx(whole[-8:], abs=0.001)


def test_smoothing_is_not_cut_and_no_warning_blames_the_file(run: Command, tmp_path: Path) -> None:
    write_video(tmp_path / "a.avi", PICTURES, EVEN)
    done = run("a.avi")
    assert done.returncode == 0, done.stderr
    assert "backwards" not in done.stdout + done.stderr
    folder = tmp_path / "out" / "a"
    assert json.loads((folder / "summary.json").read_text())["video"]["times_backwards"] == 0
    assert [float(row["time_s"]) for row in read_rows(folder / "faces.csv")] == pytest.approx(
        [index / 25 for index in range(20)]
    )

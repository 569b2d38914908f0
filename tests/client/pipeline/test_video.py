"""How many frames the stages of a video hold at once."""

from pathlib import Path

import pytest

from fer_client.media.frame import VideoInfo
from fer_client.pipeline.video import Bounds
from fer_client.settings import Settings
from support.command import Command, read_rows
from support.videos import uneven_ticks

FULL_HD, FOUR_K, CAMERA = (1920, 1080), (3840, 2160), (6000, 4000)


@pytest.mark.parametrize(
    ("size_wh", "bytes_per_pixel", "segment", "fewest", "most"),
    [
        ((320, 240), 1.5, 6, 6, 6),
        (FULL_HD, 1.5, 6, 4, 6),
        (FOUR_K, 1.5, 6, 2, 2),
        (FOUR_K, 4, 3, 2, 2),
        (CAMERA, 4, 1, 2, 2),
        ((0, 0), 1.5, 6, 6, 6),
    ],
)
def test_large_pictures_fill_no_memory(
    size_wh: tuple[int, int], bytes_per_pixel: float, segment: int, fewest: int, most: int
) -> None:
    info = VideoInfo("a", "h264", *size_wh, 0, 0.0, None, None, bytes_per_pixel=bytes_per_pixel)
    bounds = Bounds.of(info, Settings(detection_workers=3))
    assert bounds.frames_per_segment == segment
    assert fewest <= bounds.segments <= most
    assert 1 <= bounds.frames <= 4
    one_each = 3 * info.frame_bytes
    assert info.frame_bytes * (bounds.frames + segment * bounds.segments) <= max(one_each, 240 << 20)


def test_results_do_not_depend_on_the_workers() -> None:
    info = VideoInfo("a", "png", *FOUR_K, 0, 0.0, None, None, bytes_per_pixel=4)
    found = {Bounds.of(info, Settings(detection_workers=count)).frames_per_segment for count in (1, 3, 64)}
    assert found == {3}


def test_fps_takes_frames_by_time(run: Command, face_video: Path, tmp_path: Path) -> None:
    run(face_video, "--fps", "10")
    times = [float(row["time_s"]) for row in read_rows(tmp_path / "out" / "face" / "faces.csv")]
    slots = [int(time * 10 + 1e-6) for time in times]
    assert len(set(slots)) == len(slots)
    assert times[0] == 0
    assert len(times) == len({int(tick / 1280 + 1e-6) for tick in uneven_ticks(30)})

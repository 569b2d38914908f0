"""Longer and larger clips."""

from itertools import pairwise
from pathlib import Path

import av

from benchmarks.memory import enlarge, repeat
from support.videos import write_video


def test_a_longer_clip_plays_on_and_a_larger_one_is_larger(tmp_path: Path) -> None:
    short, long, large = (tmp_path / name for name in ("short.mp4", "long.mkv", "large.mp4"))
    times = write_video(short)
    repeat(short, long, 3)
    enlarge(short, large, (640, 480), most_frames=7)
    with av.open(str(long)) as container:
        pictures = list(container.decode(video=0))
    assert len(pictures) == 3 * len(times)
    assert all(a.time < b.time for a, b in pairwise(pictures))
    with av.open(str(large)) as container:
        assert [(one.width, one.height) for one in container.decode(video=0)] == [(640, 480)] * 7

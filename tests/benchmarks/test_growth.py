"""A crowd made of one face."""

from pathlib import Path

import av
import numpy as np

from benchmarks.growth import write_mosaic
from support.videos import face_frame, write_video


def test_a_mosaic_has_so_many_copies_on_a_canvas_of_one_size(tmp_path: Path) -> None:
    write_video(tmp_path / "one.mp4", [face_frame()] * 5)
    shown = {}
    for copies in (1, 5, 12):
        write_mosaic(tmp_path / "one.mp4", tmp_path / "many.mp4", copies, 3)
        with av.open(str(tmp_path / "many.mp4")) as container:
            (picture, *rest) = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
        assert len(rest) == 2
        assert picture.shape == (720, 1280)
        tiles = picture.reshape(3, 240, 4, 320).swapaxes(1, 2).reshape(12, -1)
        shown[copies] = int(np.count_nonzero(tiles.std(axis=1) > 20))
    assert shown == {1: 1, 5: 5, 12: 12}

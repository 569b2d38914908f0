"""HEIC photographs: in one piece, in tiles, and without the package that joins them."""

import sys
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_client.errors import InputError
from fer_client.media.images import read_picture
from fer_client.media.video import open_video
from support.command import Command, assert_fails, read_rows
from support.heif import write_tiles, write_whole
from support.videos import (
    face_frame,
)


class TestHeic:
    def test_a_photograph_in_tiles_is_read_whole_or_refused(
        self, run: Command, photographs: Path, tmp_path: Path
    ) -> None:
        """A HEIC photograph of a phone is a grid of tiles, each of which FFmpeg takes for a picture."""
        upright = cv2.resize(face_frame(), (512, 384))
        write_tiles(photographs / "12 phone.heic", np.ascontiguousarray(np.rot90(upright)), 128, 3)
        done = run("photos")
        rows = read_rows(tmp_path / "out" / "photos" / "photographs" / "faces.csv")
        if find_spec("pillow_heif") is None:
            assert_fails(done, 3, "12 phone.heic", "stored in tiles", "pip install pillow-heif", "JPEG")
            assert len(rows) == 3
        else:
            assert done.returncode == 0, done.stderr
            assert [row["expression"] != "" for row in rows if row["source"] == "12 phone.heic"] == [True]
            picture = read_picture(photographs / "12 phone.heic")
            assert np.abs(picture.astype(int) - upright).mean() < 4

    def test_tiles_need_a_package(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "pillow_heif", None)
        write_tiles(tmp_path / "a.heic", cv2.resize(face_frame(), (256, 256)), 128)
        with pytest.raises(InputError, match="pip install pillow-heif"):
            read_picture(tmp_path / "a.heic")
        (tmp_path / "a.heic").rename(tmp_path / "a.mp4")
        with pytest.raises(InputError, match="in tiles"), open_video(tmp_path / "a.mp4"):
            pass

    def test_a_heic_photograph_in_one_piece(self, tmp_path: Path) -> None:
        upright = cv2.resize(face_frame(), (256, 256))
        write_whole(tmp_path / "a.heic", np.ascontiguousarray(np.rot90(upright)), 3)
        assert np.abs(read_picture(tmp_path / "a.heic").astype(int) - upright).mean() < 4
        data = (tmp_path / "a.heic").read_bytes()
        (tmp_path / "a.heic").write_bytes(data[: len(data) // 2])
        with pytest.raises(InputError, match="expected a picture"):
            read_picture(tmp_path / "a.heic")

"""What is known of a frame before it is decoded."""

from fractions import Fraction
from pathlib import Path

import cv2
import pytest

from fer_client.media.frame import Frame
from fer_client.media.images import SequenceReader
from fer_client.media.video import open_video
from support.videos import empty_frame, write_video


def test_what_a_frame_holds_in_memory_is_known(face_video: Path, tmp_path: Path) -> None:
    write_video(tmp_path / "deep.mkv", [empty_frame()], codec="ffv1", pixel_format="yuv422p10le")
    write_video(tmp_path / "rgb.avi", [empty_frame()], codec="ffv1", pixel_format="bgr0")
    write_video(tmp_path / "wide.mp4", [empty_frame()], [0], pixel_aspect=Fraction(2))
    write_video(tmp_path / "gray.mkv", [empty_frame()], [0], "ffv1", pixel_format="gray", color_range=1)
    cv2.imwrite(str(tmp_path / "a.png"), empty_frame())
    for path in (face_video, *(tmp_path / name for name in ("deep.mkv", "rgb.avi", "wide.mp4", "gray.mkv"))):
        with open_video(path) as video:
            declared = video.info.frame_bytes
            assert held_bytes(next(video.frames())) == pytest.approx(declared, rel=0.25), path
    film = SequenceReader("a", [tmp_path / "a.png"], [0.0], 1.0)
    assert held_bytes(next(film.frames())) == pytest.approx(film.info.frame_bytes, rel=0.25)


def held_bytes(frame: Frame) -> int:
    """Bytes of the decoded picture, its rows padded as FFmpeg does, and of the luma where that is a copy."""
    planes = frame.decoded.planes
    is_view = frame.luma.ctypes.data == planes[0].buffer_ptr
    return sum(plane.buffer_size for plane in planes) + (0 if is_view else frame.luma.nbytes)

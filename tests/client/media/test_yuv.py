"""A frame's copy for an encoder keeps the numbers of the source, upright, and says what they mean."""

from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from fer_client.media.frame import Frame, Orientation
from fer_client.media.images import picture_frame
from fer_client.media.luma import luma_of
from fer_client.media.yuv import colours_of, planes_of, upright_yuv
from support.videos import face_frame, turned, write_video
from support.visuals import frames_of


def copied(frame: Frame) -> av.VideoFrame:
    return upright_yuv(frame, frame.size_wh, VideoReformatter())


@pytest.mark.parametrize("form", ["yuv420p", "yuvj420p"])
def test_planes_of_the_same_format_are_kept(tmp_path: Path, form: str) -> None:
    write_video(tmp_path / "clip.mp4", [face_frame()] * 2, [0, 512], pixel_format=form)
    frame = frames_of(tmp_path / "clip.mp4")[0]
    for plane, source in zip(planes_of(copied(frame)), planes_of(frame.decoded), strict=True):
        assert (plane == source).all()
    assert colours_of(frame).range == (2 if form == "yuvj420p" else 1)


def test_all_planes_are_turned(tmp_path: Path) -> None:
    write_video(tmp_path / "plain.mp4", [face_frame()] * 2, [0, 512])
    (tmp_path / "clip.mp4").write_bytes(turned((tmp_path / "plain.mp4").read_bytes(), (0, 1, -1, 0)))
    frame, plain = frames_of(tmp_path / "clip.mp4")[0], frames_of(tmp_path / "plain.mp4")[0]
    for plane, source in zip(planes_of(copied(frame)), planes_of(plain.decoded), strict=True):
        assert (plane == np.rot90(source, -1)).all()


@pytest.mark.parametrize("form", ["yuv422p", "yuv444p", "nv12", "yuv420p10le", "gray"])
@pytest.mark.parametrize("color_range", [1, 2])
def test_other_formats_keep_black_and_white(form: str, color_range: int) -> None:
    decoded = av.VideoFrame.from_ndarray(np.full((64, 48, 3), (200, 30, 60), np.uint8), format="bgr24")
    decoded = decoded.reformat(format=form)
    decoded.color_range = color_range
    luma, is_full = luma_of(decoded)
    frame = Frame(0, 0.0, luma, is_full, decoded, Orientation())
    first = memoryview(decoded.planes[0])
    number = np.frombuffer(first, np.uint16)[0] / 4 if "10" in form else np.frombuffer(first, np.uint8)[0]
    picture = copied(frame)
    if form != "gray":  # which FFmpeg takes for full-range
        assert abs(int(planes_of(picture)[0][0, 0]) - number) <= 1
    assert picture.color_range == (2 if color_range == 2 or form == "gray" else 1)


@pytest.mark.parametrize("size_wh", [(48, 64), (47, 64), (48, 61)])
def test_pictures_become_yuv_of_their_size(size_wh: tuple[int, int]) -> None:
    bgr = np.full((size_wh[1], size_wh[0], 3), (40, 120, 200), np.uint8)
    picture = copied(picture_frame(0, 0.0, bgr))
    assert (picture.width, picture.height) == size_wh
    assert picture.format.name == ("yuv420p" if size_wh == (48, 64) else "yuv444p")
    back = VideoReformatter().reformat(picture, format="bgr24", dst_color_range=2).to_ndarray()
    assert abs(back.astype(int) - bgr).max() <= 3

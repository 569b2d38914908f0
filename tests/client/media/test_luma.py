"""Black is 0 and white 255 in every crop, whatever the pixel format and the range that the video states."""

import gc
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from fer_client.faces.alignment import crop_faces
from fer_client.media.video import open_video
from support.faces import upright_face
from support.videos import X265_OPTIONS

SIDE = 96
SLOPE = np.tile(np.linspace(0, 255, SIDE).round().astype(np.uint8), (SIDE, 1))
LIMITED, FULL = 1, 2
PLANAR = ["yuv410p", "yuv411p", "yuv420p", "yuv422p", "yuv440p", "yuv444p", "yuva420p", "yuva444p"]
DEEP = ["yuv420p10le", "yuv422p10le", "yuv444p12le", "yuv420p16le", "yuva420p10le"]
MONOCHROME = ["gray", "gray10le", "gray12le", "gray16le", "ya8"]
COLOUR = ["bgr0", "bgra", "gbrp10le"]
PACKED = ["nv12", "yuyv422", "uyvy422", "gray"]
RANGES = pytest.mark.parametrize("color_range", [LIMITED, FULL])


def picture_of(pixel_format: str, color_range: int) -> av.VideoFrame:
    """The slope in this form. FFmpeg's scaler makes no monochrome picture of limited range; this does."""
    slope = SLOPE
    if pixel_format.startswith(("gray", "ya")) and color_range == LIMITED:
        slope = (16 + SLOPE * (219 / 255)).round().astype(np.uint8)
    picture = av.VideoFrame.from_ndarray(slope, format="gray")
    picture = picture.reformat(format=pixel_format, dst_color_range=color_range)
    picture.color_range, picture.pts = color_range, 0
    return picture


def write(path: Path, codec: str, pixel_format: str, color_range: int, **options: str) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, pixel_format
        stream.codec_context.color_range = color_range
        container.mux(stream.encode(picture_of(pixel_format, color_range)))
        container.mux(stream.encode())


def assert_is_slope(path: Path, pixel_format: str) -> None:
    """So it must be as luma crop, as RGB crop, and as the detector sees it."""
    with av.open(str(path)) as container:
        assert container.streams.video[0].format.name == pixel_format
    box, landmarks = upright_face(0, 0, SIDE)
    with open_video(path) as video:
        frame = next(video.frames())
        crops = [crop_faces(frame, box, landmarks, (SIDE, SIDE, channels))[0, ..., 0] for channels in (1, 3)]
        seen = cv2.cvtColor(frame.bgr(frame.size_wh, VideoReformatter()), cv2.COLOR_BGR2GRAY)
    for picture in (*crops, seen):
        assert np.abs(picture.astype(int) - SLOPE).max() <= 3


@RANGES
@pytest.mark.parametrize("pixel_format", PLANAR + DEEP + MONOCHROME + COLOUR)
def test_lossless_video(tmp_path: Path, pixel_format: str, color_range: int) -> None:
    write(tmp_path / "a.mkv", "ffv1", pixel_format, color_range)
    assert_is_slope(tmp_path / "a.mkv", pixel_format)


@RANGES
@pytest.mark.parametrize("pixel_format", PACKED)
def test_uncompressed_video(tmp_path: Path, pixel_format: str, color_range: int) -> None:
    write(tmp_path / "a.mkv", "rawvideo", pixel_format, color_range)
    assert_is_slope(tmp_path / "a.mkv", pixel_format)


@RANGES
@pytest.mark.parametrize("pixel_format", ["gray", "gray10le"])
def test_monochrome_hevc(tmp_path: Path, pixel_format: str, color_range: int) -> None:
    gc.collect()  # x265 shares state among encoders, and those of earlier tests may still be open
    options = {"crf": "5"} | X265_OPTIONS
    write(tmp_path / "a.mp4", "libx265", pixel_format, color_range, **options)
    assert_is_slope(tmp_path / "a.mp4", pixel_format)


def test_luma_is_the_grayscale_picture(face_video: Path) -> None:
    with open_video(face_video) as video:
        frame = next(iter(video.frames()))
        gray = cv2.cvtColor(frame.bgr(frame.size_wh, VideoReformatter()), cv2.COLOR_BGR2GRAY)
        full = (frame.luma.astype(np.float32) - 16) * 255 / 219
        assert not frame.is_full_range
        assert np.abs(full - gray).mean() < 2


def test_other_pixel_formats_give_full_range_luma(tmp_path: Path) -> None:
    path = tmp_path / "rgb.avi"
    slope = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (64, 1))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "bgr0"
        container.mux(
            stream.encode(av.VideoFrame.from_ndarray(np.repeat(slope[..., None], 3, 2), format="bgr24"))
        )
        container.mux(stream.encode())
    with open_video(path) as video:
        frame = next(iter(video.frames()))
        assert frame.is_full_range
        assert np.abs(frame.luma.astype(int) - slope).max() <= 2

"""Frames with the presentation times, the orientation and the luma that the file states."""

import re
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from fer_client.errors import InputError
from fer_client.media.images import SequenceReader
from fer_client.media.sampling import sample
from fer_client.media.video import Frame, Orientation, VideoInfo, open_video
from fer_client.pipeline.video import Bounds
from fer_client.settings import Settings
from support.videos import empty_frame, stored, turned, write_picture, write_video
from support.web import web

WHOLE_CLIPS = [
    "decord_video_0.mov",
    "decord_video_90.mov",
    "intel_asl_book.mkv",
    "intel_bottle.mp4",
    "lp_d0.mp4",
    "lp_d13.mp4",
    "lp_d19.mp4",
    "mmaction2_tests_data_test.avi",
    "pyfeat_WolfgangLanger_Pexels.mp4",
    "pyfeat_face_noface.mov",
    "pyfeat_no_face.mp4",
    "pyfeat_single_face.mp4",
    "short_hamilton_clip.mp4",
    "vrt_2.mp4",
    "vrt_5.mp4",
]


def stated_times(path: Path) -> list[float]:
    """As PyAV reports them; where the file states decoding times alone, PyAV makes up the others."""
    with av.open(str(path)) as container:
        if path.suffix == ".avi":
            packets = container.demux(video=0)
            return [float(packet.dts * packet.time_base) for packet in packets if packet.size]
        return [picture.time for picture in container.decode(video=0)]


@pytest.mark.parametrize("name", WHOLE_CLIPS)
def test_times_are_those_that_the_file_states(shared: Path, name: str) -> None:
    path = shared / "media" / "videos" / name
    expected = [round(time_s * 1e6) for time_s in stated_times(path)]
    with open_video(path) as video:
        frames = [(frame.index, round(frame.time_s * 1e6)) for frame in video.frames()]
    assert frames == list(enumerate(expected))
    assert video.corruption is None


def test_rotated_clip_comes_out_upright(shared: Path) -> None:
    path = shared / "media" / "videos" / "decord_video_90.mov"
    with av.open(str(path)) as container:
        stored = next(container.decode(video=0)).to_ndarray(format="gray")
    with open_video(path) as video:
        frame = next(iter(video.frames()))
        assert (video.info.width, video.info.height) == (320, 568) == frame.size_wh
        assert frame.bgr((80, 142), VideoReformatter()).shape == (142, 80, 3)
        upright = np.rot90(stored, -1)
        assert np.corrcoef(upright.ravel(), frame.luma.ravel())[0, 1] > 0.999
        colour = cv2.cvtColor(frame.bgr(frame.size_wh, VideoReformatter()), cv2.COLOR_BGR2GRAY)
        assert np.corrcoef(colour.ravel(), frame.luma.ravel())[0, 1] > 0.99


@pytest.mark.parametrize(
    ("matrix", "upright"),
    [
        ((1, 0, 0, 1), lambda picture: picture),
        ((0, 1, -1, 0), lambda picture: np.rot90(picture, -1)),
        ((-1, 0, 0, -1), lambda picture: np.rot90(picture, 2)),
        ((0, -1, 1, 0), lambda picture: np.rot90(picture, 1)),
        ((-1, 0, 0, 1), np.fliplr),
        ((1, 0, 0, -1), np.flipud),
        ((0, 1, 1, 0), lambda picture: picture.T),
    ],
)
def test_any_display_matrix(
    face_video: Path,
    tmp_path: Path,
    matrix: tuple[int, int, int, int],
    upright: Callable[[np.ndarray], np.ndarray],
) -> None:
    path = tmp_path / "turned.mp4"
    path.write_bytes(turned(face_video.read_bytes(), matrix))
    with open_video(face_video) as video:
        stored = next(iter(video.frames())).luma.copy()
    with open_video(path) as video:
        frame = next(iter(video.frames()))
        np.testing.assert_array_equal(frame.luma, upright(stored))
        assert (video.info.width, video.info.height) == frame.size_wh
        gray = cv2.cvtColor(frame.bgr(frame.size_wh, VideoReformatter()), cv2.COLOR_BGR2GRAY)
        assert np.corrcoef(gray.ravel(), frame.luma.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.jfif", "a.mpo", "a.avi", "a.mov"])
def test_exif_orientation_of_what_is_no_photograph_by_its_name(
    tmp_path: Path, orientation: int, name: str
) -> None:
    upright = np.full((48, 80, 3), 30, np.uint8)
    upright[:16, :24] = 220
    write_picture(tmp_path / "a.jfif", stored(upright, orientation), orientation)
    if name.endswith((".avi", ".mov")):
        remux(tmp_path / "a.jfif", tmp_path / name)
    else:
        (tmp_path / "a.jfif").rename(tmp_path / name)
    with open_video(tmp_path / name) as video:
        (frame,) = video.frames()
    assert np.abs(frame.luma.astype(int) - upright[..., 0]).mean() < 3


def remux(source: Path, target: Path) -> None:
    """Put pictures into another container as they are."""
    with av.open(str(source)) as pictures, av.open(str(target), "w") as film:
        stream = film.add_stream_from_template(pictures.streams.video[0])
        for packet in pictures.demux(video=0):
            if packet.size:
                packet.stream = stream
                film.mux(packet)


@pytest.mark.parametrize("name", ["12:30.mp4", "concat:face.mp4", "http:face.mp4", "a%20b.mp4", "file:a.mp4"])
def test_a_name_is_no_protocol(
    face_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("face.mp4").write_bytes(face_video.read_bytes())
    with pytest.raises(InputError, match=f"^{re.escape(name)}: cannot be read"), open_video(Path(name)):
        pass
    Path(name).write_bytes(b"bread, milk\n" * 40)
    with pytest.raises(InputError, match=f"^{re.escape(name)}: expected a video"), open_video(Path(name)):
        pass
    Path(name).write_bytes(face_video.read_bytes())
    with open_video(Path(name)) as video:
        assert len(list(video.frames())) == 30


def test_a_playlist_leads_to_no_address(face_video: Path, tmp_path: Path) -> None:
    with web(face_video.parent, threading.Event()) as address:
        (tmp_path / "list.m3u8").write_text(
            f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:2,\n{address}/face.mp4\n#EXT-X-ENDLIST\n"
        )
        with pytest.raises(InputError), open_video(tmp_path / "list.m3u8") as video:
            list(video.frames())


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
    planes = frame._decoded.planes
    is_view = frame.luma.ctypes.data == planes[0].buffer_ptr
    return sum(plane.buffer_size for plane in planes) + (0 if is_view else frame.luma.nbytes)


def test_tags_in_another_encoding_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "tagged.avi"
    write_video(path, codec="mpeg4")
    data = path.read_bytes()
    place = data.index(b"ISFT") + 8
    path.write_bytes(data[:place] + b"Caf\xe9" + data[place + 4 :])
    with open_video(path) as video:
        assert len(list(video.frames())) == 30


def test_cover_picture_is_not_a_video(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(cv2.imencode(".png", np.zeros((32, 32, 3), np.uint8))[1].tobytes())
    with open_video(tmp_path / "a.png") as video:
        assert len(list(video.frames())) == 1


def test_missing_end_is_found_and_can_be_accepted(tmp_path: Path) -> None:
    whole = tmp_path / "whole.mkv"
    write_video(whole, ticks=[1280 * index for index in range(30)], gop=1)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with open_video(cut) as video, pytest.raises(InputError, match="damaged or cut off"):
        list(video.frames())
    with open_video(cut) as video:
        frames = list(video.frames(allow_corruption=True))
        assert 5 < len(frames) < 30
        assert video.corruption is not None


@pytest.mark.parametrize(
    ("fps", "expected"),
    [(None, [0, 1, 2, 3, 4, 5, 6]), (5.0, [0, 2, 4, 5]), (1.0, [0, 5]), (60.0, [0, 1, 2, 3, 4, 5, 6])],
)
def test_sampling_goes_by_presentation_time(fps: float | None, expected: list[int]) -> None:
    assert sampled([0.0, 0.1, 0.2, 0.3, 0.4, 1.0, 1.1], fps) == expected


def test_sampling_goes_on_where_times_start_again() -> None:
    times = [0.0, 0.1, 0.2, 0.3, 0.4]
    assert sampled(times * 2, 5.0) == [0, 2, 4, 5, 7, 9]


def sampled(times_s: list[float], fps: float | None) -> list[int]:
    picture = av.VideoFrame(16, 16, "gray")
    frames = [
        Frame(index, time_s, np.zeros((16, 16), np.uint8), True, picture, Orientation())
        for index, time_s in enumerate(times_s)
    ]
    return [frame.index for frame in sample(frames, fps)]


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

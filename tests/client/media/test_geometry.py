"""How a picture is shown: turned, mirrored, and in the square pixels of a player."""

import json
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from fer_client.faces.alignment import crop_faces
from fer_client.media.frame import Frame
from fer_client.media.video import open_video
from support.command import Command, read_rows
from support.faces import upright_face
from support.videos import face_frame, stored, turned, write_picture, write_video


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


PICTURES = [face_frame(2 * index) for index in range(6)]
TICKS = [512 * index for index in range(6)]


def write_anamorphic(path: Path, aspect: Fraction, count: int = 6) -> None:
    """The pictures, 320×240 as shown, stored with pixels of this aspect."""
    size_wh = round(320 / aspect), 240
    stored = [cv2.resize(picture, size_wh, interpolation=cv2.INTER_AREA) for picture in PICTURES[:count]]
    write_video(path, stored, TICKS[:count], pixel_aspect=aspect)


def first_frame(path: Path) -> Frame:
    with open_video(path) as video:
        return next(video.frames())


def sizes(path: Path) -> list[tuple[int, int]]:
    with open_video(path) as video:
        return [frame.size_wh for frame in video.frames()]


@pytest.mark.parametrize("aspect", [Fraction(2), Fraction(16, 11), Fraction(4, 3), Fraction(10, 11)])
def test_a_clip_gives_the_same_faces_whatever_the_shape_of_its_pixels(
    run: Command, tmp_path: Path, aspect: Fraction
) -> None:
    write_video(tmp_path / "square.mp4", PICTURES, TICKS)
    write_anamorphic(tmp_path / "stored.mp4", aspect)
    done = run("square.mp4", "stored.mp4")
    assert done.returncode == 0, done.stderr
    square, stored = (read_rows(tmp_path / "out" / name / "faces.csv") for name in ("square", "stored"))
    assert len(square) == len(stored) == 6
    for expected, row in zip(square, stored, strict=True):
        for column in ("x", "y", "w", "h"):
            assert float(row[column]) == pytest.approx(float(expected[column]), abs=8), column
    video = json.loads((tmp_path / "out" / "stored" / "summary.json").read_text())["video"]
    assert (video["width"], video["height"]) == (320, 240)


@pytest.mark.parametrize("channels", [1, 3])
def test_crops_are_those_of_square_pixels(tmp_path: Path, channels: int) -> None:
    write_video(tmp_path / "square.mp4", PICTURES[:1], [0])
    write_anamorphic(tmp_path / "stored.mp4", Fraction(4, 3), 1)
    box, landmarks = upright_face(100, 40, 90)
    square, stored = (
        crop_faces(first_frame(tmp_path / name), box, landmarks, (96, 96, channels)).astype(int)
        for name in ("square.mp4", "stored.mp4")
    )
    least_of_another_place = 40  # the stored picture has a little less detail
    assert np.abs(square - stored).mean() < least_of_another_place / 5


def test_rotation_swaps_the_axes(tmp_path: Path) -> None:
    write_anamorphic(tmp_path / "lying.mp4", Fraction(2), 1)
    (tmp_path / "turned.mp4").write_bytes(turned((tmp_path / "lying.mp4").read_bytes(), (0, 1, -1, 0)))
    frame = first_frame(tmp_path / "turned.mp4")
    assert (frame.luma.shape, frame.size_wh) == ((160, 240), (240, 320))
    gray = cv2.cvtColor(frame.bgr(frame.size_wh, VideoReformatter()), cv2.COLOR_BGR2GRAY)
    upright = np.rot90(cv2.cvtColor(PICTURES[0], cv2.COLOR_BGR2GRAY), -1)
    assert np.corrcoef(gray.ravel(), upright.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("aspect", [Fraction(1000), Fraction(1, 200)])
def test_an_absurd_aspect_counts_as_square(tmp_path: Path, aspect: Fraction) -> None:
    write_video(tmp_path / "a.mkv", PICTURES[:1], [0], pixel_aspect=aspect)
    assert sizes(tmp_path / "a.mkv") == [(320, 240)]


def test_the_container_outranks_the_codec(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", PICTURES, TICKS, pixel_aspect=Fraction(4, 3))
    data = bytearray((tmp_path / "a.mp4").read_bytes())
    place = data.index(b"pasp") + 4
    assert struct.unpack(">2I", data[place : place + 8]) == (4, 3)
    data[place : place + 8] = struct.pack(">2I", 2, 1)
    (tmp_path / "a.mp4").write_bytes(data)
    assert sizes(tmp_path / "a.mp4") == [(640, 240)] * 6


def test_a_recording_may_change_its_aspect(tmp_path: Path) -> None:
    for name, aspect in (("a.ts", Fraction(12, 11)), ("b.ts", Fraction(16, 11))):
        write_video(tmp_path / name, PICTURES, TICKS, pixel_aspect=aspect)
    parts = [(tmp_path / name).read_bytes() for name in ("a.ts", "b.ts")]
    (tmp_path / "joined.ts").write_bytes(b"".join(parts))
    first, last = sizes(tmp_path / "a.ts")[0], sizes(tmp_path / "b.ts")[0]
    joined = sizes(tmp_path / "joined.ts")
    assert first != last
    assert (joined[0], joined[-1]) == (first, last)

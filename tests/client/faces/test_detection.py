"""What a detector hands on: parallel arrays, landmarks in the frame's pixels, the size of its copy."""

import importlib.util
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fer_client.faces.boxes import iou_matrix
from fer_client.faces.detection import DetectorChoice, Faces, FrameDetector, choose_detector, detection_size
from fer_client.media.frame import Frame, Image, Orientation
from support.videos import face_frame, portrait

needs_portrait = pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None, reason="needs Matplotlib's sample portrait"
)


def frame_of(bgr: Image) -> Frame:
    picture = av.VideoFrame.from_ndarray(bgr, format="bgr24")
    return Frame(0, 0.0, bgr[..., 1], True, picture, Orientation())


class TestCopy:
    def test_it_keeps_the_shape(self) -> None:
        assert detection_size((1920, 1080), 320) == (320, 180)
        assert detection_size((1080, 1920), 320) == (180, 320)

    def test_it_grows_for_tiny_pictures_alone(self) -> None:
        assert detection_size((300, 200), 320) == (300, 200)
        assert detection_size((56, 40), 320) == (224, 160)
        assert detection_size((56, 40), 128) == (128, 91)


class TestFaces:
    def test_arrays_must_be_parallel(self) -> None:
        scores, boxes = np.zeros(2, np.float32), np.zeros((2, 4), np.float32)
        with pytest.raises(ValueError, match=r"landmarks \[2, 5, 2\], got \[1, 5, 2\]"):
            Faces(boxes, scores, np.zeros((1, 5, 2), np.float32))
        with pytest.raises(ValueError, match=r"boxes \[2, 4\], got \[1, 4\]"):
            Faces(boxes[:1], scores, np.zeros((2, 5, 2), np.float32))


@pytest.fixture(params=["lumaface", "yunet"])
def choice(request: pytest.FixtureRequest) -> DetectorChoice:
    if request.param == "lumaface":
        return choose_detector("lumaface", None, 0.7)
    shared: Path = request.getfixturevalue("shared")
    return choose_detector("yunet", next((shared / "models").glob("*yunet*2023mar.onnx")), 0.7)


@needs_portrait
@pytest.mark.parametrize("orientation", [Orientation(), Orientation(quarter_turns=1), Orientation(True, 2)])
def test_a_turned_frame_shows_the_same_face(orientation: Orientation, choice: DetectorChoice) -> None:
    upright = FrameDetector(choice, 320, 24).detect(frame_of(face_frame()))
    stored = np.ascontiguousarray(orientation.stored(face_frame()))
    picture = av.VideoFrame.from_ndarray(stored, format="bgr24")
    turned = Frame(0, 0.0, orientation.upright(stored[..., 1]), True, picture, orientation)
    found = FrameDetector(choice, 320, 24).detect(turned)
    np.testing.assert_allclose(found.boxes_xywh, upright.boxes_xywh, atol=2)


@needs_portrait
def test_landmarks_are_in_the_frames_pixels(choice: DetectorChoice) -> None:
    found = [FrameDetector(choice, side, 24).detect(frame_of(face_frame())) for side in (160, 320)]
    for faces in found:
        assert len(faces.scores) == 1
        (x, y, width, height), points = faces.boxes_xywh[0], faces.landmarks_xy[0]
        assert ((points > (x, y)) & (points < (x + width, y + height))).all()
        left_eye, right_eye, nose, left_corner, right_corner = points
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_corner[0] < right_corner[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_corner[1], right_corner[1])
    halved, full = (faces.landmarks_xy for faces in found)
    np.testing.assert_allclose(halved, full, atol=8)


@needs_portrait
def test_lumaface_finds_a_face_that_fills_a_large_copy() -> None:
    whole = portrait()
    detector = FrameDetector(choose_detector("lumaface", None, 0.7), 640, 24)
    (box,) = detector.detect(frame_of(whole)).boxes_xywh
    left, top, width, height = box.astype(int)
    close = cv2.resize(whole[top - 10 : top + height + 10, left - 30 : left + width + 30], (600, 600))
    (found,) = detector.detect(frame_of(np.asarray(close, np.uint8))).boxes_xywh
    scale = 600 / np.array([width + 60, height + 20])
    expected = np.concatenate([np.array([30, 10]) * scale, [width, height] * scale])
    assert iou_matrix(found[np.newaxis], expected[np.newaxis].astype(np.float32))[0, 0] > 0.7


@needs_portrait
def test_in_videos_lumaface_also_gives_less_sure_faces_which_may_go_on(tmp_path: Path) -> None:
    frame = frame_of(face_frame())
    (score,) = FrameDetector(choose_detector("lumaface", None, 0.3), 320, 24).detect(frame).scores
    least = min(0.99, float(score) + 0.02)
    choice = choose_detector("lumaface", None, least)
    assert len(FrameDetector(choice, 320, 24).detect(frame).scores) == 0
    assert len(FrameDetector(choice.for_videos(least), 320, 24).detect(frame).scores) == 1
    yunet = DetectorChoice("YuNet", str(tmp_path), choice.make)
    assert yunet.for_videos(least) is yunet

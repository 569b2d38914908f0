"""`--annotate` and `--anonymize` as a user runs them, and what is to be seen on the pictures."""

import os
import resource
import signal
import threading
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fer_client.faces.boxes import iou_matrix
from fer_client.faces.detection import FrameDetector, choose_detector
from fer_client.media.images import read_picture
from fer_client.palette import rgb
from fer_client.settings import Settings
from fer_client.visuals.canvas import Canvas
from fer_client.visuals.copies import AnnotatedCopy, AnonymizedCopy
from fer_client.visuals.hiding import hide
from support.command import Command, assert_fails, start
from support.protocol_server import ProtocolServer
from support.videos import face_frame, write_picture, write_video
from support.visuals import frames_of, nothing, pictures_of, request
from support.web import web

BOX = (90, 40, 90, 110)
HAPPY = rgb("#E69F00")


def more_orange(picture: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Where red outweighs blue by more than in the source; thin lines lose half of their colour in 4:2:0."""
    red_over_blue = [image[..., 0].astype(int) - image[..., 2] for image in (picture, source)]
    return red_over_blue[0] - red_over_blue[1] > 30


def annotated(path: Path, folder: Path, **how: bool) -> list[np.ndarray]:
    target = folder / "annotated.mp4"
    rows = [(index, 1, BOX) for index in range(10)]
    AnnotatedCopy().make(request(path, rows, settings=Settings(**how)), target, nothing)
    return pictures_of(target)


def test_a_marked_face_has_a_box_and_a_plate_in_its_colour(face_video: Path, tmp_path: Path) -> None:
    source, marked = pictures_of(face_video), annotated(face_video, tmp_path)
    x, y, width, height = BOX
    for index in (0, 9):
        is_happy = more_orange(marked[index], source[index])
        assert is_happy[y - 6 : y, x : x + width].any(axis=0).mean() > 0.9
        assert is_happy[y : y + height, x - 6 : x].any(axis=1).mean() > 0.8
        assert is_happy[: y - 6, x - 6 : x + width].sum() > 300  # the plate
        ground = abs(marked[index].astype(int) - HAPPY).max(axis=2) < 40
        assert ground.sum() > 200
    assert not more_orange(marked[15], source[15]).any()  # a frame without a face
    rest = np.ones(source[5].shape[:2], bool)
    rest[: y + height + 10, x - 12 : x + width + 60] = False
    assert abs(marked[5].astype(int) - source[5])[rest].mean() < 3


def test_hidden_faces_keep_their_marks(face_video: Path, tmp_path: Path) -> None:
    marked = annotated(face_video, tmp_path, anonymize=True)
    x, y, width, height = BOX
    assert marked[5][y + 10 : y + height - 10, x + 10 : x + width - 10].std(axis=(0, 1)).max() < 4
    assert more_orange(marked[5], pictures_of(face_video)[5]).sum() > 400


def test_the_command_writes_both_and_says_what_opens(run: Command, face_video: Path, tmp_path: Path) -> None:
    done = run(face_video, "--annotate", "--anonymize")
    folder = tmp_path / "out" / "face"
    assert done.returncode == 0
    assert "Open out/face/annotated.mp4" in done.stdout
    assert "Open out/face/anonymized.mp4" in done.stdout
    times = [frame.time_s for frame in frames_of(face_video)]
    for name in ("annotated.mp4", "anonymized.mp4"):
        assert [frame.time_s for frame in frames_of(folder / name)] == pytest.approx(times, abs=1e-6)
    made = (folder / "annotated.mp4").stat().st_mtime_ns
    again = run(face_video, "--annotate", "--anonymize")
    assert "done before" in again.stdout
    assert (folder / "annotated.mp4").stat().st_mtime_ns == made


def test_what_an_address_gives_again_is_drawn_on(run: Command, face_video: Path, tmp_path: Path) -> None:
    with web(face_video.parent, threading.Event()) as address:
        assert run(f"{address}/face.mp4", "--annotate").returncode == 0
    copied = next((tmp_path / "out").glob("*/annotated.mp4"))
    assert len(frames_of(copied)) == 30


def test_a_live_stream_ends_in_a_sentence_and_keeps_its_tables(
    run: Command, tmp_path: Path, face_video: Path
) -> None:
    with av.open(str(face_video)) as read, av.open(str(tmp_path / "face.ts"), "w") as written:
        target = written.add_stream_from_template(read.streams.video[0])
        for packet in read.demux(video=0):
            if packet.size:
                packet.stream = target
                written.mux(packet)
    closed = threading.Event()
    with web(tmp_path, closed) as address:
        done = run(f"{address}/live/face.ts", "--duration", "0.4", "--annotate")
        closed.set()
    assert done.returncode == 3
    assert "a live stream is gone once analysed" in done.stderr
    assert len(list((tmp_path / "out").glob("*/faces.csv"))) == 1
    assert not list((tmp_path / "out").glob("*/annotated.mp4"))


def test_a_sequence_of_pictures_becomes_a_video(run: Command, tmp_path: Path) -> None:
    folder = tmp_path / "film"
    folder.mkdir()
    for number in (1, 2, 5):
        write_picture(folder / f"{number:03}.png", face_frame())
    assert run("film/%03d.png", "--sequence-fps", "10", "--annotate").returncode == 0
    times = [frame.time_s for frame in frames_of(tmp_path / "out" / "film" / "annotated.mp4")]
    assert times == pytest.approx([0, 0.1, 0.4], abs=1e-6)


def test_photographs_become_a_folder_of_copies(run: Command, photographs: Path, tmp_path: Path) -> None:
    write_picture(photographs / "12 turned.jpg", np.rot90(face_frame()).copy(), orientation=6)
    assert run(photographs, "--annotate", "--anonymize").returncode == 0
    folder = tmp_path / "out" / "photos" / "photographs"
    names = ["10 face.jpg", "11 empty.webp.jpg", "12 turned.jpg", "2 face.png"]
    for copies in ("annotated", "anonymized"):
        assert sorted(path.name for path in (folder / copies).iterdir()) == names
    original = read_picture(photographs / "2 face.png")
    for copies in ("annotated", "anonymized"):
        changed = abs(read_picture(folder / copies / "2 face.png").astype(int) - original).max(axis=2) > 0
        assert 0.01 < changed.mean() < 0.7
        assert not changed[:, -20:].any()
    assert b"Exif" in (photographs / "12 turned.jpg").read_bytes()
    assert b"Exif" not in (folder / "annotated" / "12 turned.jpg").read_bytes()
    assert read_picture(folder / "annotated" / "12 turned.jpg").shape == original.shape


def test_a_file_that_is_too_large_for_the_disk_ends_in_a_sentence(
    server: ProtocolServer, tmp_path: Path
) -> None:
    write_video(tmp_path / "face.mp4", [face_frame(index) for index in range(60)])
    arguments = ("--detector", "lumaface", "--url", server.url, "face.mp4")
    start(arguments, tmp_path).communicate(timeout=120)
    before = {path.name for path in (tmp_path / "out" / "face").iterdir()}
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limit[1]))  # the process inherits it
    try:
        process = start((*arguments, "--annotate"), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 2
    assert len(said.strip().splitlines()) == 1, said
    assert "cannot be written" in said
    assert {path.name for path in (tmp_path / "out" / "face").iterdir()} == before


def test_an_interruption_leaves_the_tables_alone(
    run: Command, face_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        _[-1](0.5)

    monkeypatch.setattr(AnnotatedCopy, "make", make)
    done = run(face_video, "--annotate")
    assert done.returncode == 130
    assert "annotated.mp4 was not written" in done.stderr
    names = {path.name for path in (tmp_path / "out" / "face").iterdir()}
    assert names == {"faces.csv", "episodes.csv", "summary.json"}
    assert "seen" in done.stdout


def test_a_photograph_that_is_gone_ends_in_a_sentence(
    run: Command, photographs: Path, tmp_path: Path
) -> None:
    assert run(photographs).returncode == 0
    (photographs / "2 face.png").unlink()
    write_picture(photographs / "2 face.png", face_frame(3))
    done = run(photographs, "--annotate")
    assert done.returncode == 0  # analysed again, since the input has changed
    assert (tmp_path / "out" / "photos" / "photographs" / "annotated" / "2 face.png").is_file()


@pytest.mark.parametrize("name", ["short_hamilton_clip.mp4", "pyfeat_face_noface.mov", "intel_asl_book.mkv"])
def test_the_detector_finds_no_face_where_one_is_hidden(shared: Path, tmp_path: Path, name: str) -> None:
    """The table is empty here: what is hidden is found anew."""
    clip = shared / "media" / "videos" / name
    weights = shared / "models" / "face_detection_yunet_2023mar.onnx"
    choice = choose_detector("yunet", weights, 0.7)
    target = tmp_path / "anonymized.mp4"
    settings = Settings(anonymize=True, duration_s=2.5)
    AnonymizedCopy().make(request(clip, [], choice, settings), target, nothing)
    detector = FrameDetector(choice, settings.detection_side, settings.min_face)
    hidden = frames_of(target)
    found = 0
    for before, after in zip(frames_of(clip)[: len(hidden)], hidden, strict=True):
        boxes, others = detector.detect(before).boxes_xywh, detector.detect(after).boxes_xywh
        found += len(boxes)
        assert (iou_matrix(boxes, others) < 0.3).all(), f"{name}: at {before.time_s:.3f} s"
    assert found > 10


def test_a_hidden_face_leaves_no_detail() -> None:
    picture = cv2.resize(face_frame(), (640, 480))
    hide(Canvas.of_bgr(picture), np.array([[200, 100, 160, 180]], np.float32))
    assert len(np.unique(picture[100:280, 200:360].reshape(-1, 3), axis=0)) == 1


def test_faces_that_were_hidden_are_not_shown_by_a_later_run(
    run: Command, face_video: Path, tmp_path: Path
) -> None:
    run(face_video, "--annotate", "--anonymize")
    before = (tmp_path / "out" / "face" / "annotated.mp4").read_bytes()
    assert_fails(run(face_video, "--annotate"), 2, "faces hidden", "--anonymize")
    assert (tmp_path / "out" / "face" / "annotated.mp4").read_bytes() == before

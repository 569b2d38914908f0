"""Annotated pictures as their makers publish them."""

import csv
import io
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_client.errors import InputError
from fer_training.detector.pictures import Faces, Picture, load_pictures, pack
from fer_training.detector.readers import LONGEST_SIDE, read_pictures

WIDER = """0--Parade/first.jpg
2
10 20 30 40 0 0 0 0 0 0
60 20 30 40 0 0 0 1 0 0
1--None/second.jpg
0
0 0 0 0 0 0 0 0 0 0
"""


def jpeg(width: int, height: int) -> bytes:
    return cv2.imencode(".jpg", np.full((height, width, 3), 90, np.uint8))[1].tobytes()


@pytest.fixture
def wider_face(tmp_path: Path) -> Path:
    (tmp_path / "wider_face_split").mkdir()
    (tmp_path / "wider_face_split" / "wider_face_train_bbx_gt.txt").write_text(WIDER)
    for name in ("0--Parade/first.jpg", "1--None/second.jpg"):
        path = tmp_path / "WIDER_train" / "images" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(jpeg(1280, 640))
    return tmp_path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    names = ["right_eye", "left_eye", "nose", "right_mouth", "left_mouth"]
    columns = [
        "image",
        "split",
        "x",
        "y",
        "w",
        "h",
        *(f"{name}_{axis}" for name in names for axis in "xy"),
        "score",
    ]
    with (tmp_path / "faces.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerow(["a.jpg", "train", 5, 6, 20, 30, *range(10), 0.9])
        writer.writerow(["b.jpg", "val", *[""] * 15])
    with tarfile.open(tmp_path / "pictures.tar", "w") as archive:
        for name in ("a.jpg", "b.jpg", "unknown.jpg"):
            data = jpeg(64, 48)
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return tmp_path


def test_wider_face_is_read_shrunk_and_without_landmarks(wider_face: Path) -> None:
    first, second = read_pictures(wider_face)
    assert max(first.luma.shape) == LONGEST_SIDE
    np.testing.assert_allclose(first.faces.boxes, [[5, 10, 15, 20], [30, 10, 15, 20]])
    assert first.faces.scores.tolist() == [1.0, 0.5]  # the second is marked as invalid
    assert np.isnan(first.faces.landmarks).all()
    assert len(second.faces.scores) == 0
    assert not first.is_validation


def test_a_table_beside_archives_is_read(table: Path) -> None:
    first, second = read_pictures(table)
    assert first.faces.boxes.tolist() == [[5, 6, 20, 30]]
    assert first.faces.landmarks.tolist() == [[[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]]
    assert (first.is_validation, second.is_validation) == (False, True)
    assert second.luma.shape == (48, 64)


def test_another_folder_is_told_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"faces\.csv"):
        read_pictures(tmp_path)


def test_packed_pictures_come_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    made = [
        Picture(
            rng.integers(0, 256, (height, width), np.uint8),
            Faces.from_rows(rng.random((count, 15), np.float32)),
            flag,
        )
        for height, width, count, flag in ((4, 7, 2, False), (5, 3, 0, True), (6, 6, 1, False))
    ]
    pack(made, tmp_path)
    packed = load_pictures(tmp_path)
    for number, picture in enumerate(made):
        assert np.array_equal(packed.luma(number), picture.luma)
        assert np.array_equal(packed.faces(number).as_rows(), picture.faces.as_rows())
    assert packed.numbers(is_validation=True).tolist() == [1]
    with pytest.raises(InputError, match="no"):
        pack([], tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("wider_face_split/wider_face_train_bbx_gt.txt", "0--Parade/first.jpg\n"),
        ("wider_face_split/wider_face_train_bbx_gt.txt", "0--Parade/first.jpg\n2\n10 20 30 40 0 0 0 0 0 0\n"),
        ("wider_face_split/wider_face_train_bbx_gt.txt", "0--Parade/first.jpg\n1\n10 20 30\n"),
        ("faces.csv", "image,x,y\na.jpg,1,2\n"),
        ("faces.csv", "image,split,x,y,w,h\na.jpg,train,1,2,3,4\n"),
        ("pictures.tar", "no archive"),
    ],
)
def test_damaged_files_are_told(table: Path, wider_face: Path, name: str, content: str) -> None:
    if name.startswith("wider"):
        (table / "faces.csv").unlink()
    (wider_face / name).write_text(content)
    with pytest.raises(InputError, match="cannot be read"):
        list(read_pictures(wider_face))


def test_a_picture_without_a_byte_is_left_out(wider_face: Path) -> None:
    (wider_face / "WIDER_train" / "images" / "0--Parade" / "first.jpg").write_bytes(b"")
    assert len(list(read_pictures(wider_face))) == 1

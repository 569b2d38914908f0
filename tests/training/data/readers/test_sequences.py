"""CK+ and Oulu-CASIA, on small sets written in their official layouts."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fer_client.errors import InputError
from fer_training.data.dataset import SPLITS, load_dataset
from fer_training.data.preparation import prepare
from fer_training.data.readers.ckplus import CODES, read_ckplus
from fer_training.data.readers.oulu_casia import read_oulu_casia
from fer_training.data.readers.sequences import split_of
from support.training_data import drawn_face

PEOPLE = [f"S{number:03d}" for number in range(5, 45)]
FRAMES = 5
BOX = (30, 20, 78, 68)
"""Left, top, right and bottom of the landmarks in a picture of 120x160 pixels."""


def _picture(label: int, rng: Any) -> Any:
    picture = np.zeros((120, 160), np.uint8)
    picture[10:78, 20:88] = drawn_face(label, rng, side=68)
    return picture


def _ckplus(root: Path, below: str = "") -> Path:
    """One labelled sequence for each person and one without a label; as the archive where `below` says so."""
    images = root / ("extended-cohn-kanade-images/" if below else "") / "cohn-kanade-images"
    emotions = root / ("Emotion_labels/" if below else "") / "Emotion"
    landmarks = root / ("Landmarks/" if below else "") / "Landmarks"
    rng = np.random.default_rng(0)
    for number, person in enumerate(PEOPLE):
        code = number % 7 + 1
        for sequence in ("001", "002"):
            stem = f"{person}_{sequence}_{FRAMES:08d}"
            folder = Path(person) / sequence
            for place in (images, landmarks, emotions):
                (place / folder).mkdir(parents=True)
            if sequence == "001":
                (emotions / folder / f"{stem}_emotion.txt").write_text(f"   {code}.0000000e+00\n")
            for frame in range(1, FRAMES + 1):
                name = f"{person}_{sequence}_{frame:08d}"
                cv2.imwrite(str(images / folder / f"{name}.png"), _picture(code - 1, rng))
                points = np.linspace(BOX[:2], BOX[2:], 68)
                text = "".join(f"   {x:.7e}   {y:.7e}\n" for x, y in points)
                (landmarks / folder / f"{name}_landmarks.txt").write_text(text)
    return root


def _oulu(root: Path, below: str = "") -> Path:
    rng = np.random.default_rng(0)
    for number, person in enumerate(PEOPLE):
        for label, name in enumerate(("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise")):
            if (number + label) % 3:
                continue
            folder = root / below / "VL" / "Strong" / person / name
            folder.mkdir(parents=True)
            for frame in range(FRAMES):
                cv2.imwrite(str(folder / f"{frame:03d}.jpeg"), drawn_face(label, rng, side=60))
    return root


@pytest.mark.parametrize("below", ["", "archive"])
def test_ckplus_has_neutral_first_frames_peaks_and_their_references(tmp_path: Path, below: str) -> None:
    description = prepare(read_ckplus(_ckplus(tmp_path / "ck", below)), tmp_path / "out")
    dataset = load_dataset(tmp_path / "out")
    names = [dataset.label_names[label] for label in dataset.labels]
    expected = [name for number in range(len(PEOPLE)) for name in ("neutral", *[CODES[number % 7 + 1]] * 3)]
    assert names == expected
    assert dataset.references is not None
    assert dataset.references.tolist() == [row - row % 4 for row in range(len(names))]
    assert description["arrays_sha256"] != description["sha256"]


def test_ckplus_cuts_the_face_out_by_its_landmarks(tmp_path: Path) -> None:
    """The square holds the drawn face, and little of the black around it."""
    prepare(read_ckplus(_ckplus(tmp_path / "ck")), tmp_path / "out")
    images = load_dataset(tmp_path / "out").images
    assert (images[0] > 0).mean() > 0.9


def test_all_pictures_of_a_person_are_in_one_split(tmp_path: Path) -> None:
    prepare(read_ckplus(_ckplus(tmp_path / "ck")), tmp_path / "out")
    dataset = load_dataset(tmp_path / "out")
    splits = [SPLITS[code] for code in dataset.split]
    assert splits == [split_of(person) for person in PEOPLE for _ in range(4)]
    assert set(splits) == set(SPLITS)


@pytest.mark.parametrize("below", ["", "OriginalImg", "Oulu_CASIA_NIR_VIS"])
def test_oulu_casia_has_neutral_first_frames_peaks_and_their_references(tmp_path: Path, below: str) -> None:
    prepare(read_oulu_casia(_oulu(tmp_path / "oulu", below)), tmp_path / "out")
    dataset = load_dataset(tmp_path / "out")
    names = [dataset.label_names[label] for label in dataset.labels]
    assert len(names) == len(PEOPLE) * 2 * 4
    assert names[:8] == ["neutral", *["angry"] * 3, "neutral", *["happy"] * 3]
    assert dataset.references is not None
    assert dataset.references.tolist() == [row - row % 4 for row in range(len(names))]


def test_a_lost_neutral_frame_leaves_its_expressions_without_a_reference(tmp_path: Path) -> None:
    root = _oulu(tmp_path / "oulu")
    (root / "VL/Strong/S005/Anger/000.jpeg").write_bytes(b"")
    description = prepare(read_oulu_casia(root), tmp_path / "out")
    assert len(description["unreadable"]) == 1
    references = load_dataset(tmp_path / "out").references
    assert references is not None
    assert references[:4].tolist() == [-1, -1, -1, 3]


def _emotion(root: Path) -> Path:
    return next((root / "Emotion/S005/001").iterdir())


@pytest.mark.parametrize(
    ("text", "message"), [("9.0", "Expected an expression 1 to 7"), ("x", "numbers in"), ("", "numbers in")]
)
def test_ckplus_refuses_a_damaged_expression(tmp_path: Path, text: str, message: str) -> None:
    root = _ckplus(tmp_path / "ck")
    _emotion(root).write_text(text)
    with pytest.raises(InputError, match=message) as raised:
        prepare(read_ckplus(root), tmp_path / "out")
    assert "\n" not in str(raised.value)


def test_ckplus_says_which_landmarks_are_missing(tmp_path: Path) -> None:
    root = _ckplus(tmp_path / "ck")
    next((root / "Landmarks/S005/001").glob("*1_landmarks.txt")).unlink()
    with pytest.raises(InputError, match=r"S005_001_00000001_landmarks\.txt, but it cannot be read"):
        prepare(read_ckplus(root), tmp_path / "out")


def test_oulu_casia_refuses_a_folder_of_another_name(tmp_path: Path) -> None:
    root = _oulu(tmp_path / "oulu")
    (root / "VL/Strong/S005/Joy").mkdir()
    with pytest.raises(InputError, match=r"Expected folders named anger, .* got Joy"):
        prepare(read_oulu_casia(root), tmp_path / "out")


@pytest.mark.parametrize(
    ("reader", "what"),
    [(read_ckplus, "the folder cohn-kanade-images"), (read_oulu_casia, "the folder VL/Strong")],
)
def test_readers_say_what_they_look_for(tmp_path: Path, reader: Any, what: str) -> None:
    with pytest.raises(InputError, match=f"Expected {what} in"):
        reader(tmp_path)

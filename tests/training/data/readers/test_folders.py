"""Pictures of one's own: a folder per class, under any names."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_client.errors import InputError
from fer_training.data.dataset import SPLITS, load_dataset
from fer_training.data.preparation import prepare
from fer_training.data.readers.folders import read_folders
from support.training_data import drawn_face


def _write(
    root: Path, classes: dict[str, int], part: str = "train", prefix: str = "p", seed: int = 0
) -> None:
    rng = np.random.default_rng(seed)
    for label, (name, count) in enumerate(classes.items()):
        (root / part / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            cv2.imwrite(str(root / part / name / f"{prefix}{number}.png"), drawn_face(label, rng, side=64))


def test_own_classes_are_prepared_in_alphabetical_order(tmp_path: Path) -> None:
    """In colour or gray, of any size; a tenth of train/ is held out."""
    _write(tmp_path / "mine", {"lively": 40, "Calm": 40})
    _write(tmp_path / "mine", {"lively": 3, "Calm": 5}, "test", seed=1)
    description = prepare(read_folders(tmp_path / "mine"), tmp_path / "out")
    dataset = load_dataset(tmp_path / "out")
    assert description["name"] == "mine"
    assert dataset.label_names == ("Calm", "lively")
    assert description["counts"]["PrivateTest"] == {"Calm": 5, "lively": 3}
    assert 0 < len(dataset.rows("PublicTest")) < 20
    assert len(dataset.rows("Training")) + len(dataset.rows("PublicTest")) == 80
    assert dataset.votes is None


def test_names_of_the_contract_take_its_order_and_spelling(tmp_path: Path) -> None:
    _write(tmp_path, {"Neutral": 40, "sadness": 40, "anger": 40})
    _write(tmp_path, {"Neutral": 1}, "test", seed=1)
    prepare(read_folders(tmp_path), tmp_path / "out")
    assert load_dataset(tmp_path / "out").label_names == ("angry", "sad", "neutral")
    labels = load_dataset(tmp_path / "out").labels
    assert np.bincount(labels).tolist() == [40, 40, 41]


def test_one_foreign_name_among_the_contracts_keeps_all_as_they_are(tmp_path: Path) -> None:
    _write(tmp_path, {"sadness": 1, "anger": 1, "boredom": 1})
    _write(tmp_path, {"sadness": 1}, "test")
    assert read_folders(tmp_path).labels == ("anger", "boredom", "sadness")


def test_file_names_may_tell_the_split(tmp_path: Path) -> None:
    _write(tmp_path, {"a": 3, "b": 3}, prefix="Training_")
    for seed, split in enumerate(SPLITS[1:], start=1):
        _write(tmp_path, {"a": seed, "b": seed}, "test", prefix=split, seed=seed)
    counts = prepare(read_folders(tmp_path), tmp_path / "out")["counts"]
    assert [sum(counts[split].values()) for split in SPLITS] == [6, 2, 4]


@pytest.mark.parametrize(
    ("train", "test", "sentence"),
    [
        ({}, {"a": 1}, "Expected train/ with one folder for each class in"),
        ({"a": 1, "b": 1}, {}, "Expected test/ with one folder for each class in"),
        (
            {"a": 1},
            {"a": 1},
            "Expected pictures of two classes or more in .*; found a in train/ and a in test/",
        ),
        ({"a": 1, "b": 1}, {"c": 1}, "and no others in test/; found a, b in train/ and c in test/"),
        ({"a": 0, "b": 1}, {"b": 1}, "found b in train/ and b in test/"),
    ],
)
def test_folders_that_cannot_be_learned_get_one_sentence(
    tmp_path: Path, train: dict[str, int], test: dict[str, int], sentence: str
) -> None:
    _write(tmp_path, train)
    _write(tmp_path, test, "test")
    with pytest.raises(InputError, match=sentence) as raised:
        read_folders(tmp_path)
    assert "\n" not in str(raised.value)


def test_too_few_pictures_to_hold_some_out_are_refused(tmp_path: Path) -> None:
    _write(tmp_path, {"a": 1, "b": 1})
    _write(tmp_path, {"a": 1}, "test")
    with pytest.raises(InputError, match=r"Expected images in PublicTest of .* or give more\."):
        prepare(read_folders(tmp_path), tmp_path / "out")

"""RAF-DB, on a small set written in its official layout."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_client.errors import InputError
from fer_training.data.dataset import load_dataset
from fer_training.data.preparation import prepare
from fer_training.data.readers.rafdb import read_rafdb
from support.training_data import drawn_face

RAF_NAMES = {1: "surprise", 2: "fear", 3: "disgust", 4: "happy", 5: "sad", 6: "angry", 7: "neutral"}


def _rafdb(root: Path) -> Path:
    (root / "basic/EmoLabel").mkdir(parents=True)
    (root / "basic/Image/aligned").mkdir(parents=True)
    rng = np.random.default_rng(0)
    lines = []
    for part, count in (("train", 140), ("test", 14)):
        for number in range(count):
            code = number % 7 + 1
            lines.append(f"{part}_{number:05d}.jpg {code}")
            face = cv2.cvtColor(drawn_face(code - 1, rng, side=100), cv2.COLOR_GRAY2BGR)
            cv2.imwrite(str(root / f"basic/Image/aligned/{part}_{number:05d}_aligned.jpg"), face)
    (root / "basic/EmoLabel/list_patition_label.txt").write_text("\n".join(lines) + "\n")
    return root


@pytest.mark.parametrize("below", ["", "basic"])
def test_rafdb_codes_and_splits(tmp_path: Path, below: str) -> None:
    description = prepare(read_rafdb(_rafdb(tmp_path / "raf") / below), tmp_path / "out")
    dataset = load_dataset(tmp_path / "out")
    assert dataset.images.shape == (154, 48, 48)
    names = [dataset.label_names[label] for label in dataset.labels]
    assert names == [RAF_NAMES[number % 7 + 1] for count in (140, 14) for number in range(count)]
    sizes = {split: sum(counts.values()) for split, counts in description["counts"].items()}
    assert sizes["PrivateTest"] == 14
    assert 4 <= sizes["PublicTest"] <= 28
    assert sizes["Training"] + sizes["PublicTest"] == 140


def test_rafdb_counts_missing_pictures(tmp_path: Path) -> None:
    root = _rafdb(tmp_path / "raf")
    (root / "basic/Image/aligned/test_00003_aligned.jpg").unlink()
    assert prepare(read_rafdb(root), tmp_path / "out")["unreadable"] == ["test_00003.jpg"]


@pytest.mark.parametrize("line", ["train_00001.jpg 8", "train_00001.jpg", "other.jpg 3", "train_00001.jpg x"])
def test_rafdb_refuses_a_damaged_line(tmp_path: Path, line: str) -> None:
    root = _rafdb(tmp_path / "raf")
    table = root / "basic/EmoLabel/list_patition_label.txt"
    table.write_text(table.read_text() + line + "\n")
    with pytest.raises(InputError, match="a code 1 to 7 in row 155"):
        prepare(read_rafdb(root), tmp_path / "out")


def test_rafdb_with_a_byte_order_mark_reads_the_same(tmp_path: Path) -> None:
    root = _rafdb(tmp_path / "raf")
    table = root / "basic/EmoLabel/list_patition_label.txt"
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes())
    description = prepare(read_rafdb(root), tmp_path / "out")
    assert description["images"] == 154
    assert "Of 15,339 published images, 154 were given." in description["notes"]


def _end_after_60_lines(root: Path) -> None:
    table = root / "basic/EmoLabel/list_patition_label.txt"
    table.write_text("\n".join(table.read_text().splitlines()[:60]) + "\n")


def _lose_pictures(pattern: str) -> Callable[[Path], None]:
    def harm(root: Path) -> None:
        for path in root.rglob(pattern):
            path.unlink()

    return harm


def _no_utf8(root: Path) -> None:
    table = root / "basic/EmoLabel/list_patition_label.txt"
    table.write_bytes(table.read_bytes() + b"train_\xe9.jpg 3\n")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (_end_after_60_lines, "Expected images in PrivateTest of rafdb, but"),
        (_lose_pictures("test_*.jpg"), "Expected images in PrivateTest of rafdb, but"),
        (
            _lose_pictures("*.jpg"),
            r"pictures of rafdb that can be read, but 154 of 154 cannot \(train_00000.jpg,",
        ),
        (_lose_pictures("train_*.jpg"), "but 140 of 154 cannot"),
        (_no_utf8, r"Expected text in .*list_patition_label\.txt"),
    ],
)
def test_rafdb_refuses_what_is_not_whole(tmp_path: Path, harm: Callable[[Path], None], message: str) -> None:
    root = _rafdb(tmp_path / "raf")
    harm(root)
    with pytest.raises(InputError, match=message) as raised:
        prepare(read_rafdb(root), tmp_path / "out")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "out").exists()


def test_rafdb_says_what_it_looks_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Expected list_patition_label\.txt in"):
        read_rafdb(tmp_path)

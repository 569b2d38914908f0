"""AffectNet, on small sets written in its two official layouts."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fer_client.errors import InputError
from fer_training.data.dataset import load_dataset
from fer_training.data.preparation import only_labels, prepare
from fer_training.data.readers.affectnet import AFFECTNET_LABELS, COLUMNS, read_affectnet
from support.training_data import drawn_face

AFFECTNET_NAMES = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt")


def _affectnet_tables(root: Path, header: bool = True) -> Path:
    """One image per code 0 to 10 in each table; the face fills the box 30, 20, 60, 50 of a 120x100 picture."""
    rng = np.random.default_rng(0)
    for table, repeats in (("training.csv", 20), ("validation.csv", 1)):
        rows = []
        for number in range(11 * repeats):
            code = number % 11
            name = f"{table[:3]}/{number}.jpg"
            picture = rng.integers(0, 20, (100, 120, 3)).astype(np.uint8)
            picture[20:70, 30:90] = 200 - rng.integers(0, 9, (50, 60, 3))
            path = root / "Manually_Annotated_Images" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), picture)
            values = (-2, -2) if code > 7 else (0.1 * code, -0.1 * code)
            rows.append((name, 30, 20, 60, 50, "1;2", code, *values))
        with (root / table).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerows([COLUMNS, *rows] if header else rows)
    return root


def _affectnet_folders(root: Path) -> Path:
    rng = np.random.default_rng(0)
    for part, repeats in (("train_set", 20), ("val_set", 1)):
        for folder in ("images", "annotations"):
            (root / part / folder).mkdir(parents=True)
        for number in range(11 * repeats):
            code = number % 11
            values = (-2, -2) if code > 7 else (0.1 * code, -0.1 * code)
            cv2.imwrite(str(root / part / f"images/{number}.jpg"), drawn_face(code % 7, rng, side=96))
            for name, value in zip(("exp", "val", "aro"), (code, *values), strict=True):
                np.save(root / part / f"annotations/{number}_{name}.npy", np.array(str(value)))
    return root


@pytest.mark.parametrize("write", [_affectnet_tables, _affectnet_folders])
def test_affectnet_codes_values_and_splits(tmp_path: Path, write: Any) -> None:
    (tmp_path / "set").mkdir()
    description = prepare(read_affectnet(write(tmp_path / "set")), tmp_path / "out")
    dataset = load_dataset(tmp_path / "out")
    assert dataset.label_names == AFFECTNET_LABELS
    assert description["without_label"] == 3 * 21
    assert sum(description["counts"]["PrivateTest"].values()) == 8
    test = dataset.rows("PrivateTest")
    found = {
        dataset.label_names[label]: pair
        for label, pair in zip(dataset.labels[test], dataset.valence_arousal[test], strict=True)
    }
    for code, name in enumerate(AFFECTNET_NAMES):
        np.testing.assert_allclose(found[name], [0.1 * code, -0.1 * code], atol=1e-6)


def test_affectnet_table_cuts_out_the_face(tmp_path: Path) -> None:
    prepare(read_affectnet(_affectnet_tables(tmp_path)), tmp_path / "out")
    assert load_dataset(tmp_path / "out").images[:, 2:-2, 2:-2].min() > 150


def test_affectnet_table_without_header_reads_the_same(tmp_path: Path) -> None:
    for name, header in (("a", True), ("b", False)):
        (tmp_path / name).mkdir()
        prepare(read_affectnet(_affectnet_tables(tmp_path / name, header)), tmp_path / f"out-{name}")
    with_header, without = (load_dataset(tmp_path / f"out-{name}") for name in "ab")
    np.testing.assert_array_equal(with_header.labels, without.labels)
    np.testing.assert_array_equal(with_header.split, without.split)


@pytest.mark.parametrize("header", [True, False])
def test_affectnet_table_with_a_byte_order_mark_reads_the_same(tmp_path: Path, header: bool) -> None:
    table = _affectnet_tables(tmp_path, header) / "training.csv"
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes())
    assert prepare(read_affectnet(tmp_path), tmp_path / "out")["images"] == 8 * 21


def test_affectnet_minus_two_becomes_unknown(tmp_path: Path) -> None:
    root = _affectnet_folders(tmp_path / "set")
    np.save(root / "val_set/annotations/0_val.npy", np.array("-2"))
    prepare(read_affectnet(root), tmp_path / "out")
    dataset = load_dataset(tmp_path / "out")
    assert dataset.valence_arousal is not None
    assert np.isnan(dataset.valence_arousal[dataset.rows("PrivateTest")][:, 0]).sum() == 1


def test_affectnet_box_outside_the_picture_is_unreadable(tmp_path: Path) -> None:
    table = _affectnet_tables(tmp_path) / "validation.csv"
    table.write_text(table.read_text().replace("val/0.jpg,30,20", "val/0.jpg,500,20"))
    assert prepare(read_affectnet(tmp_path), tmp_path / "out")["unreadable"] == ["val/0.jpg"]


def test_contempt_can_be_left_out(tmp_path: Path) -> None:
    source = only_labels(read_affectnet(_affectnet_folders(tmp_path / "set")), AFFECTNET_LABELS[:-1])
    description = prepare(source, tmp_path / "out")
    assert description["labels"] == list(AFFECTNET_LABELS[:-1])
    assert description["without_label"] == 4 * 21


def _cut(root: Path) -> None:
    table = root / "validation.csv"
    table.write_text(table.read_text()[:-20])


def _lose_a_column(root: Path) -> None:
    table = root / "training.csv"
    table.write_text(table.read_text().replace("valence", "v"))


def _end_after_the_header(root: Path) -> None:
    table = root / "training.csv"
    table.write_text(table.read_text().splitlines()[0] + "\n")


def _no_text(root: Path) -> None:
    table = root / "training.csv"
    table.write_bytes(table.read_bytes().replace(b"tra/0.jpg", b"tra/\xe9.jpg", 1))


def _box_starting_at(value: str) -> Callable[[Path], None]:
    def harm(root: Path) -> None:
        table = root / "training.csv"
        table.write_text(table.read_text().replace("tra/0.jpg,30", f"tra/0.jpg,{value}", 1))

    return harm


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (_end_after_the_header, "Expected images in Training of affectnet, but"),
        (_no_text, r"Expected text in .*training\.csv"),
        (_box_starting_at("nan"), r"Expected a face box, .* in row 1 of .*training\.csv"),
        (_box_starting_at("inf"), r"Expected a face box, .* in row 1 of .*training\.csv"),
        (_cut, r"row 11 of .*validation\.csv"),
        (_lose_a_column, "valence is missing"),
        (lambda root: (root / "validation.csv").unlink(), r"Expected validation\.csv beside"),
        (lambda root: (root / "training.csv").unlink(), "found neither"),
        (lambda root: (root / "Manually_Annotated_Images").rename(root / "x"), "Manually_Annotated_Images"),
    ],
)
def test_affectnet_refuses_a_damaged_copy(tmp_path: Path, harm: Any, message: str) -> None:
    harm(_affectnet_tables(tmp_path))
    with pytest.raises(InputError, match=message):
        prepare(read_affectnet(tmp_path), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_affectnet_refuses_a_damaged_annotation(tmp_path: Path) -> None:
    root = _affectnet_folders(tmp_path / "set")
    (root / "train_set/annotations/5_val.npy").write_bytes(b"")
    with pytest.raises(InputError, match=r"Expected one number in .*5_val\.npy"):
        prepare(read_affectnet(root), tmp_path / "out")

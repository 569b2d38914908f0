"""The record on disk: what is read back, what is refused, and what most voters chose."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from fer_client.contract import LABELS
from fer_client.errors import InputError
from fer_training.data.dataset import load_dataset, majority_classes, vote_targets
from fer_training.data.preparation import prepare
from fer_training.data.readers.fer2013 import read_fer2013
from support.training_data import KAGGLE, Rows, ballots, write_fer2013

ANGRY, FEAR, HAPPY, SAD, NEUTRAL = (
    LABELS.index(name) for name in ("angry", "fear", "happy", "sad", "neutral")
)


def test_images_open_as_a_memory_map(tmp_path: Path, rows: Rows) -> None:
    prepare(read_fer2013(write_fer2013(tmp_path, KAGGLE, rows, votes=False)), tmp_path / "out")
    assert isinstance(load_dataset(tmp_path / "out").images, np.memmap)


def test_a_damaged_record_is_refused(tmp_path: Path, rows: Rows) -> None:
    prepare(read_fer2013(write_fer2013(tmp_path, KAGGLE, rows, votes=False)), tmp_path / "out")
    np.save(tmp_path / "out/labels.npy", np.zeros(3, np.int16))
    with pytest.raises(InputError, match=r"labels\.npy 3"):
        load_dataset(tmp_path / "out")
    (tmp_path / "out/labels.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(InputError, match="Expected a folder that `fer-train prepare` wrote"):
        load_dataset(tmp_path / "out")


@pytest.mark.parametrize("text", ["{}", "[]", "5", '{"labels": [], "name": "x", "counts": {}}'])
def test_a_record_without_its_description_is_refused(tmp_path: Path, rows: Rows, text: str) -> None:
    prepare(read_fer2013(write_fer2013(tmp_path, KAGGLE, rows, votes=False)), tmp_path / "out")
    (tmp_path / "out/dataset.json").write_text(text)
    with pytest.raises(InputError, match=r"sha256 .*dataset\.json.* Prepare the data again"):
        load_dataset(tmp_path / "out")


def test_a_record_of_an_earlier_version_still_loads(tmp_path: Path, rows: Rows) -> None:
    """It has neither the checksum over all arrays nor the copies between the splits."""
    prepare(read_fer2013(write_fer2013(tmp_path, KAGGLE, rows, votes=False)), tmp_path / "out")
    described = json.loads((tmp_path / "out/dataset.json").read_text())
    del described["arrays_sha256"], described["copies"]
    (tmp_path / "out/dataset.json").write_text(json.dumps(described))
    assert len(load_dataset(tmp_path / "out").images) == len(rows)


def test_a_majority_is_more_than_half_of_all_ten_voters() -> None:
    votes = ballots(
        {"happiness": 6, "neutral": 4},
        {"happiness": 5, "neutral": 5},
        {"sadness": 5, "unknown": 3, "NF": 2},  # most, but not more than half of all
        {"contempt": 8, "neutral": 2},  # no class of the network
        {"NF": 10},
    )
    assert majority_classes(votes, LABELS).tolist() == [HAPPY, -1, -1, -1, -1]


def test_fer2013_has_the_published_numbers_of_majorities(shared: Path) -> None:

    _, _, usages, votes = runpy.run_path(str(shared / "data/fer2013/unpack.py"))["load"]()
    chosen = majority_classes(votes[usages == "PrivateTest"], LABELS)
    assert np.sum(chosen >= 0) == 2720
    assert np.isin(chosen, [ANGRY, HAPPY, SAD, NEUTRAL]).sum() == 2322
    assert vote_targets(votes, LABELS).shape == (len(votes), len(LABELS))

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fer_client.contract import LABELS
from fer_training.data.dataset import SPLITS, Dataset, load_dataset
from fer_training.data.preparation import Sample, Source, prepare
from support.training_data import Rows, drawn_face, votes_for
from support.training_run import train_small


@pytest.fixture(scope="session")
def rows() -> Rows:
    """Two images of each class in each split."""
    rng = np.random.default_rng(1)
    return [
        (label, drawn_face(label, rng), split)
        for split in SPLITS
        for label in range(len(LABELS))
        for _ in "ab"
    ]


@pytest.fixture(scope="session")
def make_dataset(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Path, Dataset]]:
    """Prepare a set of drawn faces with so many images per class in Training; a third of that in the others."""

    def make(per_class: int, votes: bool = True) -> tuple[Path, Dataset]:
        rng = np.random.default_rng(2)
        counts = {
            "Training": per_class,
            "PublicTest": max(per_class // 3, 1),
            "PrivateTest": max(per_class // 3, 1),
        }
        samples = [
            Sample(
                drawn_face(label, rng),
                label,
                split,
                f"{split}-{label}-{number}",
                votes_for(label) if votes else None,
            )
            for split, count in counts.items()
            for label in range(len(LABELS))
            for number in range(count)
        ]
        folder = tmp_path_factory.mktemp("data") / "drawn"
        prepare(Source("drawn", LABELS, samples), folder)
        return folder, load_dataset(folder)

    return make


@pytest.fixture(scope="session")
def data(make_dataset: Callable[..., tuple[Path, Dataset]]) -> tuple[Path, Dataset]:
    return make_dataset(32)


@pytest.fixture(scope="session")
def finished(data: tuple[Path, Dataset], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of three epochs that nobody disturbed, nor may: tests change copies."""
    pytest.importorskip("keras", reason="needs the extra `training`")
    return train_small(data[1], tmp_path_factory.mktemp("runs") / "whole")

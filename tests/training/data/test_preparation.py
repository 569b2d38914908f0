"""What preparation makes of any source: checksums, copies between splits, and sources that are not whole."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from fer_client.contract import LABELS
from fer_client.errors import InputError
from fer_training.data.preparation import Sample, Source, prepare
from fer_training.data.readers.fer2013 import read_fer2013
from support.training_data import KAGGLE, Rows, votes_for, write_fer2013


def _samples(rows: Rows) -> list[Sample]:
    return [
        Sample(image, label, split, str(number), votes_for(label))
        for number, (label, image, split) in enumerate(rows)
    ]


def test_copies_are_counted_between_every_pair_of_splits(tmp_path: Path, rows: Rows) -> None:
    samples = _samples(rows)
    training, public = (
        next(sample for sample in samples if sample.split == split) for split in ("Training", "PublicTest")
    )
    samples += [replace(training, split="PublicTest"), replace(training, split="PrivateTest")]
    samples += [replace(public, split="PrivateTest")] * 2
    assert prepare(Source("drawn", LABELS, samples), tmp_path / "out")["copies"] == {
        "PublicTest": {"Training": 1},
        "PrivateTest": {"Training": 1, "PublicTest": 3},
    }


def test_one_checksum_covers_the_images_and_one_every_array(tmp_path: Path, rows: Rows) -> None:
    """The second is what `sha256sum *.npy | sha256sum` prints."""
    description = prepare(Source("drawn", LABELS, _samples(rows)), tmp_path / "out")
    sums = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / "out").glob("*.npy")
    }
    assert sorted(sums) == ["images.npy", "labels.npy", "split.npy", "votes.npy"]
    assert description["sha256"] == sums["images.npy"]
    listed = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
    assert description["arrays_sha256"] == hashlib.sha256(listed.encode()).hexdigest()


def test_other_votes_alone_change_the_checksum_over_all_arrays(tmp_path: Path, rows: Rows) -> None:
    samples = _samples(rows)
    changed = [replace(samples[0], votes=votes_for(1)), *samples[1:]]
    first, second = (
        prepare(Source("drawn", LABELS, given), tmp_path / name)
        for name, given in (("a", samples), ("b", changed))
    )
    assert first["sha256"] == second["sha256"]
    assert first["arrays_sha256"] != second["arrays_sha256"]


@pytest.mark.parametrize("lost", ["Training", "PublicTest", "PrivateTest"])
def test_a_source_without_one_of_its_splits_is_refused(tmp_path: Path, rows: Rows, lost: str) -> None:
    samples = [sample for sample in _samples(rows) if sample.split != lost]
    with pytest.raises(InputError, match=f"Expected images in {lost} of drawn, but none"):
        prepare(Source("drawn", LABELS, samples), tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_split_that_the_source_never_had_may_be_empty(tmp_path: Path, rows: Rows) -> None:
    samples = [sample for sample in _samples(rows) if sample.split != "PublicTest"]
    source = Source("drawn", LABELS, samples, splits=("Training", "PrivateTest"))
    assert sum(prepare(source, tmp_path / "out")["counts"]["PublicTest"].values()) == 0


def test_a_source_is_refused_when_most_of_its_pictures_are_unreadable(tmp_path: Path, rows: Rows) -> None:
    samples = _samples(rows)
    half = [replace(sample, luma=None) if number % 2 else sample for number, sample in enumerate(samples)]
    assert len(prepare(Source("drawn", LABELS, half), tmp_path / "half")["unreadable"]) == len(rows) // 2
    half[0] = replace(half[0], luma=None)
    with pytest.raises(InputError, match=r"but 22 of 42 cannot \(0, 1, …\)"):
        prepare(Source("drawn", LABELS, half), tmp_path / "more")


@pytest.mark.parametrize(("published", "notes"), [(42, []), (50, ["Of 50 published images, 42 were given."])])
def test_a_number_of_images_other_than_published_is_noted(
    tmp_path: Path, rows: Rows, published: int, notes: list[str]
) -> None:
    samples = [replace(_samples(rows)[0], luma=None), *_samples(rows)[1:]]
    description = prepare(Source("drawn", LABELS, samples, published=published), tmp_path / "out")
    assert description["notes"] == notes
    assert description["images"] == 41


def test_an_existing_folder_is_never_overwritten(tmp_path: Path, rows: Rows) -> None:
    table = write_fer2013(tmp_path, KAGGLE, rows, votes=False)
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="Expected a new folder"):
        prepare(read_fer2013(table), tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())

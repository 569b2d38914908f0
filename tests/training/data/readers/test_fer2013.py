"""FER2013 and FER+ in every official form, and every way in which a copy of them can be broken."""

import runpy
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fer_client.contract import LABELS
from fer_client.errors import InputError
from fer_training.data.dataset import SPLITS, load_dataset, vote_targets
from fer_training.data.preparation import Sample, Source, prepare
from fer_training.data.readers.fer2013 import PLUS_LABELS, read_fer2013, read_fer2013plus
from support.training_data import KAGGLE, LATER, Rows, write_fer2013


@pytest.mark.parametrize("header", [KAGGLE, LATER])
def test_both_spellings_of_the_csv_give_the_same_record(
    tmp_path: Path, rows: Rows, header: tuple[str, ...]
) -> None:
    write_fer2013(tmp_path, header, rows, votes=False)
    description = prepare(read_fer2013(tmp_path), tmp_path / "out")
    dataset = load_dataset(tmp_path / "out")
    np.testing.assert_array_equal(dataset.images, [image for _, image, _ in rows])
    assert dataset.labels.tolist() == [label for label, _, _ in rows]
    assert [SPLITS[code] for code in dataset.split] == [split for _, _, split in rows]
    assert dataset.votes is None
    assert description["counts"]["Training"] == dict.fromkeys(LABELS, 2)


def test_votes_beside_the_csv_become_probabilities(tmp_path: Path, rows: Rows) -> None:
    prepare(read_fer2013(write_fer2013(tmp_path, KAGGLE, rows, votes=True)), tmp_path / "out")
    dataset = load_dataset(tmp_path / "out")
    assert dataset.votes is not None
    targets = vote_targets(dataset.votes, dataset.label_names)
    happy = LABELS.index("happy")
    expected = np.zeros(len(LABELS))
    expected[[happy, LABELS.index("neutral")]] = 0.8, 0.2
    np.testing.assert_allclose(targets[dataset.labels == happy], np.tile(expected, (6, 1)))


def test_faults_of_the_data_are_counted(tmp_path: Path, rows: Rows) -> None:
    _, training, _ = rows[0]
    flat = np.full((48, 48), 7, np.uint8)
    faulty = [*rows, (3, training, "PublicTest"), (3, training, "PrivateTest"), (0, flat, "Training")]
    table = write_fer2013(tmp_path, KAGGLE, faulty, votes=False)
    header, first, *rest = table.read_text().splitlines()
    table.write_text("\n".join([header, first, "3,12 13 999,Training", *rest]) + "\n")
    description = prepare(read_fer2013(table), tmp_path / "out")
    assert description["constant"] == [f"row {len(rows) + 4}"]
    assert description["unreadable"] == ["row 2"]
    assert description["images"] == len(rows) + 3


@pytest.mark.parametrize("place", ["icml_face_data.csv", "fer2013/fer2013.csv"])
def test_a_folder_may_hold_the_csv_as_kaggle_packs_it(tmp_path: Path, rows: Rows, place: str) -> None:
    (tmp_path / "set" / place).parent.mkdir(parents=True)
    write_fer2013(tmp_path, LATER, rows, votes=False).rename(tmp_path / "set" / place)
    assert prepare(read_fer2013(tmp_path / "set"), tmp_path / "out")["images"] == len(rows)


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path, rows: Rows) -> None:
    table = write_fer2013(tmp_path, KAGGLE, rows, votes=True)
    for path in (table, table.with_name("fer2013new.csv")):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    prepare(read_fer2013(table), tmp_path / "out")
    assert load_dataset(tmp_path / "out").votes is not None


def test_an_archive_is_refused_in_one_sentence(tmp_path: Path, rows: Rows) -> None:
    with tarfile.open(tmp_path / "fer2013.tar.gz", "w:gz") as archive:
        archive.add(write_fer2013(tmp_path, KAGGLE, rows, votes=False), "fer2013/fer2013.csv")
    with pytest.raises(InputError, match=r"Expected text in .*fer2013\.tar\.gz.*unpack it"):
        prepare(read_fer2013(tmp_path / "fer2013.tar.gz"), tmp_path / "out")


def test_a_file_without_line_ends_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "fer2013.csv").write_text("a" * 200_000)
    with pytest.raises(InputError, match="Expected a table in"):
        prepare(read_fer2013(tmp_path), tmp_path / "out")


def test_a_whole_set_is_compared_with_what_was_published(tmp_path: Path, rows: Rows) -> None:
    table = write_fer2013(tmp_path, KAGGLE, rows, votes=False)
    assert (
        "Of 35,887 published images, 42 were given."
        in prepare(read_fer2013(table), tmp_path / "out")["notes"]
    )


def test_plus_takes_the_majority_and_leaves_out_the_rest(tmp_path: Path, rows: Rows) -> None:
    table = write_fer2013(tmp_path, KAGGLE, rows, votes=True)
    lines = table.with_name("fer2013new.csv").read_text().splitlines()
    lines[1] = "Training,fer0000000.png,1,0,0,0,0,0,0,9,0,0"
    lines[2] = "Training,fer0000001.png,5,5,0,0,0,0,0,0,0,0"
    lines[3] = "Training,,0,0,0,0,0,0,0,0,0,10"
    table.with_name("fer2013new.csv").write_text("\n".join(lines) + "\n")
    description = prepare(read_fer2013plus(tmp_path), tmp_path / "out")
    dataset = load_dataset(tmp_path / "out")
    assert description["without_label"] == 2
    assert dataset.label_names == PLUS_LABELS
    assert dataset.label_names[dataset.labels[0]] == "contempt"
    assert dataset.labels.tolist()[1:] == [label for label, _, _ in rows[3:]]


def test_plus_without_its_votes_is_refused(tmp_path: Path, rows: Rows) -> None:
    table = write_fer2013(tmp_path, KAGGLE, rows, votes=False)
    with pytest.raises(InputError, match=r"Expected FER\+'s fer2013new.csv beside"):
        read_fer2013plus(table)


def _write_tree(root: Path, rows: Rows, public_name: str) -> None:
    for number, (label, image, split) in enumerate(rows):
        folder = root / ("train" if split == "Training" else "test") / LABELS[label]
        folder.mkdir(parents=True, exist_ok=True)
        name = {"Training": "Training", "PublicTest": public_name, "PrivateTest": "PrivateTest"}[split]
        cv2.imwrite(str(folder / f"{name}_{number}.png"), image)


def test_tree_with_official_file_names_keeps_the_official_split(tmp_path: Path, rows: Rows) -> None:
    _write_tree(tmp_path / "tree", rows, "PublicTest")
    description = prepare(read_fer2013(tmp_path / "tree"), tmp_path / "out")
    assert description["counts"] == {split: dict.fromkeys(LABELS, 2) for split in SPLITS}
    dataset = load_dataset(tmp_path / "out")
    for label, image, split in rows:
        found = np.flatnonzero((dataset.images == image).all(axis=(1, 2)))
        assert dataset.labels[found].tolist() == [label]
        assert SPLITS[dataset.split[found[0]]] == split


def test_tree_with_other_names_holds_out_the_same_images_whatever_they_are_called(
    tmp_path: Path, make_dataset: Any
) -> None:
    _, drawn = make_dataset(40)
    held_out = []
    for prefix in ("a", "z"):
        root = tmp_path / prefix
        for number, row in enumerate(drawn.rows("Training")):
            folder = root / "train" / LABELS[drawn.labels[row]]
            folder.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(
                str(folder / f"{prefix}{number if prefix == 'a' else 999 - number}.png"), drawn.images[row]
            )
        (root / "test" / "happy").mkdir(parents=True)
        cv2.imwrite(str(root / "test" / "happy" / "x.png"), drawn.images[drawn.rows("PrivateTest")[0]])
        prepare(read_fer2013(root), tmp_path / f"out-{prefix}")
        dataset = load_dataset(tmp_path / f"out-{prefix}")
        held_out.append({dataset.images[row].tobytes() for row in dataset.rows("PublicTest")})
    assert held_out[0] == held_out[1]
    assert 0.04 < len(held_out[0]) / 280 < 0.16


def test_tree_counts_files_that_are_no_pictures(tmp_path: Path, rows: Rows) -> None:
    _write_tree(tmp_path / "tree", rows, "PublicTest")
    (tmp_path / "tree/train/happy/text.png").write_text("no picture")
    (tmp_path / "tree/train/happy/empty.png").touch()
    description = prepare(read_fer2013(tmp_path / "tree"), tmp_path / "out")
    assert description["unreadable"] == ["train/happy/empty.png", "train/happy/text.png"]


def test_tree_passes_over_hidden_files_and_counts_all_others(tmp_path: Path, rows: Rows) -> None:
    _write_tree(tmp_path / "tree", rows, "PublicTest")
    for hidden in (
        "train/.DS_Store",
        "train/happy/.DS_Store",
        "test/happy/._PublicTest_1.png",
        "test/.x/y.png",
    ):
        (tmp_path / "tree" / hidden).parent.mkdir(exist_ok=True)
        (tmp_path / "tree" / hidden).write_bytes(b"x")
    first = next((tmp_path / "tree/train/happy").glob("*.png"))
    first.rename(first.with_suffix(""))
    (tmp_path / "tree/test/happy/Thumbs").write_bytes(b"x")
    (tmp_path / "tree/train/readme.txt").write_text("Of no class.")
    description = prepare(read_fer2013(tmp_path / "tree"), tmp_path / "out")
    assert description["images"] == len(rows)
    assert description["unreadable"] == ["test/happy/Thumbs"]
    assert description["without_label"] == 1


def test_tree_with_an_unknown_class_is_refused(tmp_path: Path, rows: Rows) -> None:
    _write_tree(tmp_path, rows, "PublicTest")
    (tmp_path / "train/happy").rename(tmp_path / "train/glee")
    with pytest.raises(InputError, match="found glee"):
        read_fer2013(tmp_path)


def _cut_in_a_row(table: Path) -> None:
    text = table.read_text()
    table.write_text(text[: len(text) - 40])


def _cut_behind_a_label(table: Path) -> None:
    lines = table.read_text().splitlines()
    table.write_text("\n".join(lines[:-1]) + "\n" + lines[-1][:2])


def _cut_in_the_middle(table: Path) -> None:
    text = table.read_text()
    table.write_text(text[: len(text) // 2])


def _no_private_test(table: Path) -> None:
    for path in (table, table.with_name("fer2013new.csv")):
        lines = path.read_text().splitlines()
        path.write_text("\n".join(line for line in lines if "PrivateTest" not in line) + "\n")


def _reverse(table: Path) -> None:
    header, *lines = table.read_text().splitlines()
    table.write_text("\n".join([header, *reversed(lines)]) + "\n")


def _vote(count: int) -> Callable[[Path], None]:
    def harm(table: Path) -> None:
        votes = table.with_name("fer2013new.csv")
        votes.write_text(votes.read_text().replace(",8,", f",{count},", 1))

    return harm


def _without_votes_column(table: Path) -> None:
    votes = table.with_name("fer2013new.csv")
    votes.write_text(votes.read_text().replace("contempt", "content"))


def _votes_of_another_length(table: Path) -> None:
    votes = table.with_name("fer2013new.csv")
    votes.write_text(votes.read_text() + "PrivateTest,x.png,1,0,0,0,0,0,0,0,0,0\n")


def _fewer_votes(table: Path) -> None:
    votes = table.with_name("fer2013new.csv")
    votes.write_text("".join(votes.read_text().splitlines(keepends=True)[:-3]))


def _no_rows(table: Path) -> None:
    table.with_name("fer2013new.csv").unlink()
    table.write_text(table.read_text().splitlines()[0] + "\n")


@pytest.mark.parametrize("header", [KAGGLE, LATER])
@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (_cut_in_a_row, r"in row 42 of .*fer2013\.csv.* cut"),
        (_cut_behind_a_label, r"in row 42 of .*fer2013\.csv.* cut"),
        (_cut_in_the_middle, r"in row 2\d of .*fer2013\.csv.* cut"),
        (_no_private_test, r"Expected images in PrivateTest of fer2013, but"),
        (
            _reverse,
            r"same usage in row 1 of .*fer2013new\.csv and .*fer2013\.csv, got Training and PrivateTest",
        ),
        (_vote(-8), r"ten vote counts 0 to 255 in row 1 of .*fer2013new\.csv"),
        (_vote(800), r"ten vote counts 0 to 255 in row 1 of .*fer2013new\.csv"),
        (_without_votes_column, r"Expected the columns Usage, neutral, .* but contempt is missing"),
        (_votes_of_another_length, r"Expected as many rows in .*fer2013new\.csv as in .*fer2013\.csv"),
        (_fewer_votes, r"Expected as many rows in .*fer2013new\.csv as in .*fer2013\.csv"),
        (_no_rows, r"Expected rows of images in .*fer2013\.csv, but it has none"),
        (lambda table: table.unlink(), r"found none of them"),
        (lambda table: table.write_text("a,b\n1,2\n"), r"emotion, pixels, Usage is missing"),
        (lambda table: table.write_bytes(b""), r"found: nothing"),
    ],
)
def test_a_broken_source_gets_one_sentence_and_leaves_nothing(
    tmp_path: Path, rows: Rows, header: tuple[str, ...], harm: Callable[[Path], None], message: str
) -> None:
    harm(write_fer2013(tmp_path, header, rows, votes=True))
    with pytest.raises(InputError, match=message) as raised:
        prepare(read_fer2013(tmp_path), tmp_path / "out")
    assert "\n" not in str(raised.value)
    assert not [path for path in tmp_path.iterdir() if not path.name.startswith("fer2013")]


def test_all_of_fer2013_has_the_published_counts_and_faults(tmp_path: Path, shared: Path) -> None:
    """The counts are those that the challenge published, the faults those of the data's own description."""
    unpack = runpy.run_path(str(shared / "data/fer2013/unpack.py"))
    images, labels, usages, votes = unpack["load"]()
    rows = zip(images, labels.tolist(), usages.tolist(), votes.tolist(), strict=True)
    samples = (Sample(image, label, usage, "", tuple(voted)) for image, label, usage, voted in rows)
    description = prepare(Source("fer2013", LABELS, samples), tmp_path / "all")
    sizes = {split: sum(counts.values()) for split, counts in description["counts"].items()}
    assert sizes == {"Training": 28709, "PublicTest": 3589, "PrivateTest": 3589}
    assert description["copies"] == {
        "PublicTest": {"Training": 280},
        "PrivateTest": {"Training": 288, "PublicTest": 44},
    }
    assert len(description["constant"]) == 12
    some = np.concatenate([np.flatnonzero(usages == split)[:100] for split in SPLITS])
    unpack["write_csv"](tmp_path, images[some], labels[some], usages[some], votes[some])
    prepare(read_fer2013(tmp_path), tmp_path / "some")
    whole, part = (load_dataset(tmp_path / name) for name in ("all", "some"))
    np.testing.assert_array_equal(part.images, whole.images[some])
    np.testing.assert_array_equal(part.votes, np.asarray(whole.votes)[some])

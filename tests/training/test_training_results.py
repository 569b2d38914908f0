"""Results as files, history as a table, files that appear only when whole."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from fer_client.errors import InputError
from fer_training.commands.display import print_result
from fer_training.commands.progress import Pace, epoch_line
from fer_training.files import replacing
from fer_training.fitting.history import Epoch, best_epoch, draw_curves, read_history, write_history
from fer_training.reports.card import card
from fer_training.reports.documents import BEGIN, END, write_part
from fer_training.reports.results import headline, read_result, read_results, result_of, tables


def _record(accuracy: float, private: float | None = None) -> dict[str, Any]:
    metrics: dict[str, Any] = {"PublicTest": {"accuracy": accuracy, "confusion": [[1]], "ece": 0.02}}
    if private is not None:
        metrics["PrivateTest"] = {"accuracy": private, "four_category_accuracy": 0.8, "ece": 0.015}
    return {
        "architecture": "resnet", "data": {"name": "fer2013", "sha256": "x", "counts": {}},
        "recipe": {"name": "strong", "epochs": 10}, "seed": 0, "epochs": 9, "versions": {}, "metrics": metrics,
        "temperature": 1.2, "labels": [],
    }  # fmt: skip


EXTRA = {"parameters": 1_617_000, "multiply_adds": 38_000_000, "training_s": 5400}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "worse.json").write_text(json.dumps(result_of(_record(0.61), EXTRA)))
    (folder / "better.json").write_text(
        json.dumps(result_of(_record(0.70, 0.712), EXTRA | {"latency_ms": 1.26}))
    )
    return folder


def test_results_keep_the_figures_and_leave_the_bulk() -> None:
    kept = result_of(_record(0.7), EXTRA)
    assert kept["metrics"] == {"PublicTest": {"accuracy": 0.7, "ece": 0.02}}
    assert "counts" not in kept["data"]


def test_tables_are_sorted_by_publictest_and_show_what_was_not_measured(results: Path) -> None:
    lines = tables(read_results(results)).splitlines()
    assert lines[0] == "Recipe `strong`, 10 epochs, on fer2013 (SHA-256 x…):"
    assert len(lines) == 6
    assert "PublicTest: labels, four categories" not in lines[2]  # measured for neither
    assert "voters" not in lines[2]
    assert lines[4].startswith(
        "| `resnet` | 9 | 1617 k | 38.0 M | 1.3 | 70.0 % | 2.0 % | 71.2 % | 80.0 % | 1.5 % | 90 min |"
    )
    assert "| – | 61.0 % | 2.0 % | – | – | – | 90 min |" in lines[5]


VOTERS = {
    "images": 3573, "majority_images": 2720, "majority_accuracy": 0.842, "four_category_majority_images": 2322,
    "four_category_majority_accuracy": 0.871, "ece": 0.021, "ece_before_temperature": 0.055, "cross_entropy": 0.951,
    "r2_kl": 0.612, "entropy_correlation": None,
    "without_copies_of_training": {
        "majority_images": 2506, "majority_accuracy": 0.833, "four_category_majority_images": 2215,
        "four_category_majority_accuracy": 0.866,
    },
}  # fmt: skip


def test_a_table_shows_voters_and_labels_and_a_dash_for_results_of_before(results: Path) -> None:
    """By the labels it is the worst; it comes first, as the only one that was judged by the voters."""
    voted = result_of(_record(0.6, 0.59), EXTRA)
    voted["metrics"]["PublicTest"]["voters"] = VOTERS
    (results / "voted.json").write_text(json.dumps(voted))
    _, _, header, _, first, second, _ = tables(read_results(results)).splitlines()
    titles, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in (header, first, second))
    by_title = [dict(zip(titles, row, strict=True)) for row in rows]
    assert by_title[0]["PublicTest: voters, seven classes"] == "84.2 %"
    assert by_title[0]["PublicTest: voters, four categories"] == "87.1 %"
    assert by_title[0]["PublicTest: voters, calibration error"] == "2.1 %"
    assert by_title[0]["PublicTest: labels, seven classes"] == "60.0 %"
    assert by_title[1]["PublicTest: voters, seven classes"] == "–"
    assert by_title[1]["PublicTest: labels, seven classes"] == "70.0 %"


def test_a_headline_has_a_column_for_each_network() -> None:
    served, peer = _judged(EXTRA), _judged(EXTRA) | {"name": "fer"}
    served["metrics"]["PrivateTest"] = served["metrics"]["PrivateTest"] | {"voters": VOTERS}
    lines = headline([served, peer]).splitlines()
    assert lines[0] == "| PrivateTest | `served` | `fer` |"
    assert lines[2] == "| by the voters, seven classes | 84.2 % | – |"
    assert "| by the labels, four categories | 80.0 % | 80.0 % |" in lines


def test_the_command_prints_the_figures_of_both_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    figures = _judged(EXTRA)["metrics"]["PrivateTest"]
    print_result(Console(width=120), figures, "PrivateTest")
    assert "by the voters" not in capsys.readouterr().out
    print_result(Console(width=120), figures | {"voters": VOTERS}, "PrivateTest")
    printed = [" ".join(line.replace("│", " ").split()) for line in capsys.readouterr().out.splitlines()]
    assert "accuracy 70.00 % 69.00 %" in printed
    assert "accuracy 84.20 % 83.30 %" in printed
    assert "images with a majority 2720 2506" in printed
    assert "R² (Kullback-Leibler) 0.612" in printed
    assert "rank correlation of entropies –" in printed


def test_a_headline_needs_privatetest(results: Path) -> None:
    with pytest.raises(InputError, match="worse was not"):
        headline([read_result(results / "worse.json")])


def test_each_budget_has_a_table_of_its_own(results: Path) -> None:
    other = _record(0.5) | {"recipe": {"name": "quick", "epochs": 3}}
    (results / "quick.json").write_text(json.dumps(result_of(other, EXTRA)))
    text = tables(read_results(results))
    assert text.index("Recipe `strong`, 10 epochs") < text.index("Recipe `quick`, 3 epochs")


def test_a_part_goes_between_its_marks_and_leaves_the_rest(tmp_path: Path) -> None:
    document, begin = tmp_path / "page.md", BEGIN.format(command="table")
    document.write_text(f"before\n{begin}\nold\n{END}\nafter\n")
    write_part(document, "table", "new")
    once = document.read_text()
    assert once == f"before\n{begin}\n\nnew\n\n{END}\nafter\n"
    write_part(document, "table", "new")
    assert document.read_text() == once


def test_a_document_without_marks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(f"{BEGIN.format(command='card')}\n{END}\n")
    with pytest.raises(InputError, match="Put them where the figures belong"):
        write_part(tmp_path / "page.md", "table", "new")


def _judged(extra: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A result with the figures of both splits; `changes` go into the record."""
    split = {
        "images": 3589, "accuracy": 0.7, "four_category_accuracy": 0.8, "macro_f1": 0.65, "ece": 0.015,
        "ece_before_temperature": 0.031, "precision": {"fear": 0.55}, "recall": {"fear": 0.405},
    }  # fmt: skip
    split["without_copies_of_training"] = split | {"images": 3301, "accuracy": 0.69}
    record = _record(0.7) | {"metrics": {"PublicTest": split, "PrivateTest": split}} | changes
    return result_of(record, extra) | {"name": "served"}


def test_a_card_gives_every_split_with_and_without_copies_and_every_class() -> None:
    text = card(_judged(EXTRA | {"latency_ms": 0.94}, start="a", teachers=["a", "b"]))
    assert "ONNX Runtime | 0.9 ms |" in text
    assert "seed 0, begun with trained weights, 2 teachers |" in text
    assert "| PrivateTest | 3,589 | 70.0 % | 80.0 % | 65.0 % | 3.1 % | 1.5 % |" in text
    assert "| PrivateTest without copies | 3,301 | 69.0 % | 80.0 % | 65.0 % | – | 1.5 % |" in text
    assert "| fear | 55.0 % | 40.5 % |" in text
    assert "| parameters | 1,617,000 |" in text


def test_a_card_of_a_network_that_was_judged_by_voters_gives_both_kinds_of_figures() -> None:
    recipe = {"name": "voters", "epochs": 10, "votes_share": 1.0, "keep": "best"}
    judged = _judged(EXTRA, recipe=recipe, temperature_fitted_on="votes")
    assert "voters' shares" not in card(judged)
    judged["metrics"]["PrivateTest"] = judged["metrics"]["PrivateTest"] | {"voters": VOTERS}
    text = card(judged)
    assert "It learned from the shares of the FER+ voters alone." in text
    assert "the best epoch by what most voters chose on PublicTest." in text
    assert "The temperature was fitted on the votes of PublicTest." in text
    assert "| PrivateTest | 2,720 | 84.2 % | 2,322 | 87.1 % |" in text
    assert "| PrivateTest without copies | 2,506 | 83.3 % | 2,215 | 86.6 % |" in text
    assert "| PrivateTest | 3,573 | 5.5 % | 2.1 % | 0.95 | 0.61 | – |" in text
    assert "| PrivateTest | 3,589 | 70.0 % | 80.0 % |" in text


@pytest.mark.parametrize(
    ("recipe", "changes", "sentence"),
    [
        ({"votes_share": 0.4, "distillation": 0.5}, {},
         "from the labels and, for 40 % beside them, the FER+ voters, and for 50 % of the whole from teachers."),
        ({"votes_head": 0.5}, {}, "from the labels, with all ten votes as a second output."),
        ({"keep": "last"}, {}, "Its weights are those of the last epoch."),
        ({}, {}, "of the best epoch by the labels on PublicTest. The temperature was fitted on the labels of PublicT"),
        ({}, {"average_of": [{}, {}]}, "the mean of 2 networks, the last of which learned so."),
        ({}, {"temperature_fitted_on": None}, "No temperature fitted, so the probabilities are as it gives them."),
    ],
)  # fmt: skip
def test_a_card_says_what_was_learned_and_chosen(recipe: Any, changes: Any, sentence: str) -> None:
    assert sentence in card(_judged(EXTRA, recipe={"name": "x", "epochs": 10, **recipe}, **changes))


def test_a_network_that_was_not_judged_on_privatetest_gets_no_card(results: Path) -> None:
    with pytest.raises(InputError, match="worse was not"):
        card(read_result(results / "worse.json"))


def test_a_damaged_result_is_named(results: Path) -> None:
    (results / "cut.json").write_text('{"metrics": {}}')
    with pytest.raises(InputError, match=r"cut\.json"):
        read_results(results)


@pytest.mark.parametrize("data", [{"name": "rafdb", "sha256": "x"}, {"name": "fer2013", "sha256": "y"}])
def test_each_dataset_has_a_table_of_its_own(results: Path, data: dict[str, str]) -> None:
    (results / "other.json").write_text(json.dumps(result_of(_record(0.65) | {"data": data}, EXTRA)))
    titles = [line for line in tables(read_results(results)).splitlines() if line.startswith("Recipe")]
    assert [f"on {data['name']} (SHA-256 {data['sha256']}…)" in title for title in titles] == [False, True]


@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_without_results_is_refused(tmp_path: Path, exists: bool) -> None:
    if exists:
        (tmp_path / "results").mkdir()
    with pytest.raises(InputError, match="Write them with `fer-train result`"):
        read_results(tmp_path / "results")


def test_a_card_shows_limits_by_the_voters_where_they_were_measured() -> None:
    by_labels = {"as they are": {"accuracy": 0.7, "ece": 0.02}}
    by_both = {"as they are": {"accuracy": 0.7, "ece": 0.02, "majority_accuracy": 0.8, "voters_ece": 0.03}}
    assert "| as they are | 70.0 % | 2.0 % |" in card(_judged(EXTRA, limits=by_labels))
    assert "| as they are | 80.0 % | 3.0 % | 70.0 % | 2.0 % |" in card(_judged(EXTRA, limits=by_both))


def test_a_card_shows_a_latency_that_was_not_measured_as_a_dash() -> None:
    assert "| one face on one CPU thread, ONNX Runtime | – |" in card(_judged(EXTRA))


EPOCHS = [
    Epoch(1, 1e-3, 1.5, 1.4, 0.5, 60.25),
    Epoch(2, 5e-4, 1.2, 1.3, 0.6, 61.0),
    Epoch(3, 1e-7, 1.1, 1.3, 0.6, 61.0),
]


def test_history_reads_back_as_written(tmp_path: Path) -> None:
    write_history(tmp_path / "history.csv", EPOCHS)
    assert read_history(tmp_path / "history.csv") == EPOCHS
    assert read_history(tmp_path / "missing.csv") == []


def test_history_keeps_the_accuracy_by_the_voters_and_reads_files_without_it(tmp_path: Path) -> None:
    voted = [dataclasses.replace(EPOCHS[0], validation_majority_accuracy=0.75), EPOCHS[1]]
    path = tmp_path / "history.csv"
    write_history(path, voted)
    assert read_history(path) == voted
    path.write_text("\n".join(line.rpartition(",")[0] for line in path.read_text().splitlines()) + "\n")
    assert path.read_text().splitlines()[0].endswith(",seconds")  # as older versions wrote it
    assert read_history(path) == EPOCHS[:2]


def test_best_epoch_by_the_voters_is_one_that_they_judged() -> None:
    majorities = (None, 0.7, 0.65)
    epochs = [
        dataclasses.replace(epoch, validation_accuracy=1 - share, validation_majority_accuracy=majority)
        for epoch, share, majority in zip(EPOCHS, (0.1, 0.3, 0.2), majorities, strict=True)
    ]
    assert best_epoch(epochs) == epochs[0]
    assert best_epoch(epochs, "validation_majority_accuracy") == epochs[1]
    assert best_epoch(epochs[:1], "validation_majority_accuracy") is None


def test_best_epoch_is_the_first_of_equals() -> None:
    assert best_epoch(EPOCHS) == EPOCHS[1]
    assert best_epoch([]) is None


def test_time_left_counts_the_steps_of_this_process_alone() -> None:
    pace = Pace()
    assert pace.left_s(done=500, total=1000, now_s=100.0) == 0
    assert pace.left_s(done=600, total=1000, now_s=150.0) == 200


def test_an_epoch_in_words() -> None:
    assert epoch_line(EPOCHS[0], 90, 3725) == (
        "epoch 1/90  loss 1.5000  PublicTest loss 1.4000  accuracy 50.00 %  60 s  62:05 left"
    )
    voted = dataclasses.replace(EPOCHS[0], validation_majority_accuracy=0.8125)
    assert "accuracy 50.00 %  by most voters 81.25 %  60 s" in epoch_line(voted, 90, 3725)


def test_curves_are_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra `training`")
    draw_curves(tmp_path / "curves.png", EPOCHS)
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"


def test_a_file_that_fails_half_way_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as beside:
            beside.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]

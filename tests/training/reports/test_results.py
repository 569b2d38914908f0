"""Results as files, and the tables that are made of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from fer_client.errors import InputError
from fer_training.reports.results import headline, read_result, read_results, result_of, tables
from support.training_results import EXTRA, VOTERS, judged_result, made_record
from support.training_run import copy_network


def test_results_keep_the_figures_and_leave_the_bulk() -> None:
    kept = result_of(made_record(0.7), EXTRA)
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


def test_a_table_shows_voters_and_labels_and_a_dash_for_results_of_before(results: Path) -> None:
    """By the labels it is the worst; it comes first, as the only one that was judged by the voters."""
    voted = result_of(made_record(0.6, 0.59), EXTRA)
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
    served, peer = judged_result(EXTRA), judged_result(EXTRA) | {"name": "fer"}
    served["metrics"]["PrivateTest"] = served["metrics"]["PrivateTest"] | {"voters": VOTERS}
    lines = headline([served, peer]).splitlines()
    assert lines[0] == "| PrivateTest | `served` | `fer` |"
    assert lines[2] == "| by the voters, seven classes | 84.2 % | – |"
    assert "| by the labels, four categories | 80.0 % | 80.0 % |" in lines


def test_a_headline_needs_privatetest(results: Path) -> None:
    with pytest.raises(InputError, match="worse was not"):
        headline([read_result(results / "worse.json")])


def test_each_budget_has_a_table_of_its_own(results: Path) -> None:
    other = made_record(0.5) | {"recipe": {"name": "quick", "epochs": 3}}
    (results / "quick.json").write_text(json.dumps(result_of(other, EXTRA)))
    text = tables(read_results(results))
    assert text.index("Recipe `strong`, 10 epochs") < text.index("Recipe `quick`, 3 epochs")


def test_runs_that_differ_in_their_seed_share_a_line_of_mean_and_deviation(results: Path) -> None:
    """The second ran beside other work, which says nothing of the network."""
    for seed, accuracy in enumerate((0.60, 0.62, 0.67)):
        record = made_record(accuracy) | {"recipe": {"name": "quick", "epochs": 3}, "seed": seed}
        extra = EXTRA | {"training_s": 9 * EXTRA["training_s"]} if seed == 1 else EXTRA
        (results / f"quick-{seed}.json").write_text(json.dumps(result_of(record, extra)))
    *_, line = tables(read_results(results)).splitlines()
    assert line.startswith("| `resnet`, 3 seeds | 9 | 1617 k | 38.0 M | 63.0 ± 3.6 % |")
    assert line.endswith("| 90 min |")


def test_a_damaged_result_is_named(results: Path) -> None:
    (results / "cut.json").write_text('{"metrics": {}}')
    with pytest.raises(InputError, match=r"cut\.json"):
        read_results(results)


@pytest.mark.parametrize("data", [{"name": "rafdb", "sha256": "x"}, {"name": "fer2013", "sha256": "y"}])
def test_each_dataset_has_a_table_of_its_own(results: Path, data: dict[str, str]) -> None:
    (results / "other.json").write_text(json.dumps(result_of(made_record(0.65) | {"data": data}, EXTRA)))
    titles = [line for line in tables(read_results(results)).splitlines() if line.startswith("Recipe")]
    assert [f"on {data['name']} (SHA-256 {data['sha256']}…)" in title for title in titles] == [False, True]


@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_without_results_is_refused(tmp_path: Path, exists: bool) -> None:
    if exists:
        (tmp_path / "results").mkdir()
    with pytest.raises(InputError, match="Write them with `fer-train result`"):
        read_results(tmp_path / "results")


@pytest.mark.keras
# Keras's TensorFlow backend meets NumPy 2.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_result_holds_cost_time_and_figures(finished: Path, data: Any, tmp_path: Path) -> None:
    from fer_training.evaluation.evaluate import evaluate
    from fer_training.reports.results import read_results, write_result

    weights = copy_network(finished, tmp_path)
    with pytest.raises(InputError, match="Run `fer-train evaluate` first"):
        write_result(weights, tmp_path / "results/basic_cnn.json")
    accuracy = evaluate(weights, data[1], "PublicTest")["accuracy"]
    write_result(weights, tmp_path / "results/basic_cnn.json")
    (result,) = read_results(tmp_path / "results")
    assert result["metrics"]["PublicTest"]["accuracy"] == accuracy
    assert result["parameters"] > 100_000
    assert result["training_s"] > 0
    assert "latency_ms" not in result


@pytest.mark.keras
# Keras's TensorFlow backend meets NumPy 2.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_result_holds_the_latency_of_the_exported_graph(finished: Path, data: Any, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra `export`")
    from fer_training.evaluation.evaluate import evaluate
    from fer_training.reports.results import read_result, write_result

    weights, out = copy_network(finished, tmp_path), tmp_path / "result.json"
    evaluate(weights, data[1], "PublicTest")
    write_result(weights, out, Path(__file__).parents[3] / "model_repository/expression/1/model.onnx")
    assert read_result(out)["latency_ms"] > 0

"""What is told to have changed, and what is noise."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.__main__ import run
from benchmarks.records import change, compare, exponent, marginal, samples


def record(*seconds: float, name: str = "clip.mp4") -> dict:
    runs = [{"wall_s": value, "stages_s": {"decode": value / 2, "none": None}} for value in seconds]
    return {"detector": "YuNet", "videos": [{"video": {"name": name}, "runs": runs}]}


def test_samples_are_the_numbers_of_all_runs_by_their_places() -> None:
    assert samples(record(1, 2)) == {
        "videos/clip.mp4/wall_s": [1, 2],
        "videos/clip.mp4/stages_s/decode": [0.5, 1],
    }


def test_a_shift_beyond_the_spread_is_told_and_one_within_is_not() -> None:
    before = [1.00, 1.05, 0.97, 1.02, 0.99]
    slower = change("wall_s", before, [1.31, 1.25, 1.30, 1.28, 1.33])
    assert slower.is_beyond_noise
    assert slower.ratio == pytest.approx(1.30)
    assert slower.low < 1.30 < slower.high
    assert not change("wall_s", before, [1.01, 0.96, 1.04, 1.00, 1.03]).is_beyond_noise


def test_of_two_runs_nothing_is_told() -> None:
    assert not change("wall_s", [1, 1.01], [2, 2.01]).is_beyond_noise


def test_pairs_show_what_the_load_of_the_machine_hides() -> None:
    load = np.array([1, 3, 1.5, 2.5, 4, 1.2, 2])
    before, after = list(load), list(1.1 * load)
    assert not change("wall_s", before, after).is_beyond_noise
    paired = change("wall_s", before, after, is_paired=True)
    assert paired.is_beyond_noise
    assert paired.ratio == pytest.approx(1.1)


def test_runs_are_paired_where_both_records_are_of_one_pairing() -> None:
    first, second = record(1, 2, 4), record(1.1, 2.2, 4.4)
    assert not any(one.is_paired for one in compare(first, second))
    assert all(one.is_paired for one in compare({**first, "pair": "a"}, {**second, "pair": "a"}))
    assert not any(one.is_paired for one in compare({**first, "pair": "a"}, {**second, "pair": "b"}))


def test_noise_alone_is_seldom_told_as_a_change() -> None:
    chance = np.random.default_rng(1)
    told = [
        change("wall_s", chance.normal(1, 0.05, 7), chance.normal(1, 0.05, 7)).is_beyond_noise
        for _ in range(200)
    ]
    assert sum(told) <= 20


def test_an_exponent_is_that_of_the_growth() -> None:
    sizes = [1, 2, 4, 8]
    assert exponent(sizes, [3 * size**2 for size in sizes]) == pytest.approx(2)
    assert exponent(sizes, [3 * size for size in sizes]) == pytest.approx(1)
    assert marginal(sizes, [2 + 0.5 * size for size in sizes]) == pytest.approx((2, 0.5))


def test_the_command_names_what_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path, factor in zip(paths, (1, 1.5), strict=True):
        path.write_text(json.dumps(record(*(factor * value for value in (1, 1.02, 0.99, 1.01)))))
    assert run(["compare", *map(str, paths)]) == 0
    told = capsys.readouterr().out
    assert "2 of 2 figures changed beyond noise." in told
    assert "+ videos/clip.mp4/wall_s: 1.005 -> 1.508, 1.500 times" in told


@pytest.mark.parametrize("text", ["no JSON", "[1]", "{}"])
def test_what_is_no_record_is_refused(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(record(1, 2)))
    bad.write_text(text)
    assert run(["compare", str(good), str(bad)]) == 3
    assert capsys.readouterr().err.startswith("benchmarks: ")

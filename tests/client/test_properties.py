"""What holds for any input, by Hypothesis: times, boxes, tracks, averages and tables."""

import csv
import json
import math
import tempfile
from pathlib import Path

import numpy as np
import pytest

hypothesis = pytest.importorskip("hypothesis")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from hypothesis.extra import numpy as hnp  # noqa: E402

from fer_client.faces.boxes import greedy_pairs, iou_matrix  # noqa: E402
from fer_client.faces.tracking import Tracker  # noqa: E402
from fer_client.outputs.tables import CsvTable, JsonlTable  # noqa: E402
from fer_client.temporal.durations import timed, timed_at_once  # noqa: E402
from fer_client.temporal.smoothing import smoothed, smoothed_at_once  # noqa: E402
from support.timelines import answered  # noqa: E402

settings.register_profile("steady", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("steady")

SIDE = st.floats(1, 2000, width=32)
PLACE = st.floats(-2000, 2000, width=32)


def boxes(most: int = 5) -> st.SearchStrategy[np.ndarray]:
    box = st.tuples(PLACE, PLACE, SIDE, SIDE)
    return st.lists(box, max_size=most).map(lambda rows: np.array(rows, np.float32).reshape(-1, 4))


@given(boxes(), boxes())
def test_overlap_is_a_share_and_the_same_both_ways(some: np.ndarray, others: np.ndarray) -> None:
    overlap = iou_matrix(some, others)
    assert overlap.shape == (len(some), len(others))
    assert ((overlap >= 0) & (overlap <= 1 + 1e-3)).all()
    np.testing.assert_allclose(overlap, iou_matrix(others, some).T, atol=1e-6)
    np.testing.assert_allclose(np.diag(iou_matrix(some, some)), 1, atol=1e-2)


@given(
    hnp.arrays(
        np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.floats(0, 1, width=32)
    )
)
def test_pairs_take_each_row_and_column_once_and_the_best_first(gain: np.ndarray) -> None:
    pairs = list(greedy_pairs(gain, 0.25))
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    gains = [gain[pair] for pair in pairs]
    assert gains == sorted(gains, reverse=True)
    assert all(value >= 0.25 for value in gains)


@given(st.lists(st.tuples(boxes(4), st.floats(-1, 5)), max_size=12))
def test_two_faces_of_a_frame_never_share_a_number(frames: list[tuple[np.ndarray, float]]) -> None:
    """Whatever the boxes, and also where times repeat or run backwards."""
    tracker, time_s, highest = Tracker(), 0.0, 0
    for found, step_s in frames:
        time_s += step_s
        looks = np.eye(64, dtype=np.float32)[: len(found)]
        numbers = tracker.update(found, looks, time_s)
        assert len(numbers) == len(set(numbers)) == len(found)
        assert all(1 <= number <= highest + len(found) for number in numbers)
        highest = max([highest, *numbers])


STEPS = st.lists(st.one_of(st.just(0.0), st.floats(0.001, 3)), min_size=1, max_size=25)


@given(STEPS, st.floats(0.05, 2), st.booleans(), st.integers(0, 2**31))
def test_averages_stay_within_what_was_answered(
    steps: list[float], window_s: float, is_live: bool, seed: int
) -> None:
    times = np.cumsum(steps)
    rows = np.random.default_rng(seed).dirichlet([0.4] * 3, len(times))
    frames = [answered(time_s, {1: row}) for time_s, row in zip(times.tolist(), rows, strict=True)]
    averaged = (
        smoothed_at_once(timed_at_once(frames), window_s) if is_live else smoothed(timed(frames), window_s)
    )
    found = list(averaged)
    assert [frame.time_s for frame in found] == times.tolist()
    values = np.concatenate([frame.smoothed.expression for frame in found])
    np.testing.assert_allclose(values.sum(axis=1), 1, atol=1e-5)
    assert (values >= rows.min(axis=0) - 1e-6).all()
    assert (values <= rows.max(axis=0) + 1e-6).all()


@given(STEPS)
def test_frames_stand_until_the_next(steps: list[float]) -> None:
    times = np.cumsum(steps).tolist()
    found = list(timed(answered(time_s, {1: [1, 0]}) for time_s in times))
    assert [frame.duration_s for frame in found[:-1]] == pytest.approx(np.diff(times).tolist())
    assert all(frame.duration_s >= 0 and math.isfinite(frame.duration_s) for frame in found)


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
ROW = st.tuples(
    st.integers(-(2**53), 2**53) | st.none(),
    st.floats(allow_nan=False, allow_infinity=False) | st.none(),
    TEXT,
)


@given(st.lists(ROW, max_size=8))
def test_tables_give_back_what_was_written(rows: list[tuple[int | None, float | None, str]]) -> None:
    """Quotes, commas and signs of any script among it; control characters are escaped before they come here."""
    columns: dict[str, type] = {"n": int, "x": float, "name": str}
    with tempfile.TemporaryDirectory() as folder:
        for kind in (CsvTable, JsonlTable):
            with kind(Path(folder), "t", columns) as table:
                for row in rows:
                    table.write(row)
        with (Path(folder) / "t.csv").open(newline="", encoding="utf-8") as file:
            found = list(csv.DictReader(file))
        lines = (Path(folder) / "t.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    assert len(found) == len(lines) == len(rows)
    for (number, value, name), cells, line in zip(rows, found, lines, strict=True):
        assert cells["name"] == name
        assert cells["n"] == ("" if number is None else str(number))
        shown = "" if value is None else f"{value:.6f}"
        assert cells["x"] == ("0.000000" if shown == "-0.000000" else shown)
        assert json.loads(line) == {"n": number, "x": value, "name": name}

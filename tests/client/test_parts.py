"""The pure parts: tracks, folders, ordered concurrency, the contract's checks, the summary."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fer_client.concurrency import ordered_map, prefetch
from fer_client.contract import LABELS, four_category_columns, read_contract
from fer_client.errors import ContractError, UsageError
from fer_client.inference import Predictions
from fer_client.results import check_target, folder_names, result_folder
from fer_client.summary import Summary
from fer_client.tracking import Tracker, iou_matrix


def boxes(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


class TestTracking:
    def test_overlap_of_boxes(self) -> None:
        overlap = iou_matrix(boxes((0, 0, 10, 10)), boxes((0, 0, 10, 10), (5, 0, 10, 10), (20, 20, 5, 5)))
        np.testing.assert_allclose(overlap, [[1, 1 / 3, 0]], rtol=1e-6)

    def test_faces_keep_their_numbers_when_their_order_changes(self) -> None:
        tracker = Tracker()
        assert tracker.update(boxes((0, 0, 50, 50), (100, 0, 50, 50)), 0.0) == [1, 2]
        assert tracker.update(boxes((104, 0, 50, 50), (4, 0, 50, 50)), 0.1) == [2, 1]

    def test_a_short_absence_keeps_the_number_and_a_long_one_does_not(self) -> None:
        tracker = Tracker()
        tracker.update(boxes((0, 0, 50, 50)), 0.0)
        assert tracker.update(boxes(), 0.5) == []
        assert tracker.update(boxes((0, 0, 50, 50)), 0.9) == [1]
        assert tracker.update(boxes((0, 0, 50, 50)), 2.5) == [2]

    def test_two_boxes_never_share_a_number(self) -> None:
        tracker = Tracker()
        tracker.update(boxes((0, 0, 50, 50)), 0.0)
        assert sorted(tracker.update(boxes((1, 0, 50, 50), (3, 0, 50, 50)), 0.1)) == [1, 2]


class TestConcurrency:
    def test_order_holds_and_errors_arrive_in_their_place(self) -> None:
        def items() -> Iterator[int]:
            yield from range(20)
            raise KeyError("after 19")

        doubled = ordered_map(lambda value: value * 2, prefetch(items(), 3), workers=4, depth=8)
        assert [next(doubled) for _ in range(12)] == list(range(0, 24, 2))
        with pytest.raises(KeyError, match="after 19"):
            list(doubled)

    def test_prefetch_stays_within_its_depth_and_ends_when_closed(self) -> None:
        taken = []

        def items() -> Iterator[int]:
            for value in range(1000):
                taken.append(value)
                yield value

        threads = threading.active_count()
        ahead = prefetch(items(), 4)
        assert next(ahead) == 0
        ahead.close()
        assert len(taken) <= 4 + 4
        assert threading.active_count() == threads

    def test_mapping_keeps_a_bounded_number_under_way(self) -> None:
        taken = 0

        def items() -> Iterator[int]:
            nonlocal taken
            for value in range(100):
                taken += 1
                yield value

        results = ordered_map(lambda value: value, items(), workers=2, depth=5)
        for index, value in enumerate(results):
            assert value == index
            assert taken <= index + 5


class TestFolders:
    def test_stems_or_whole_names(self) -> None:
        assert folder_names([Path("a/x.mp4"), Path("y.mov")]) == ["x", "y"]
        assert folder_names([Path("x.mp4"), Path("x.mov"), Path("y.mov")]) == ["x.mp4", "x.mov", "y"]
        with pytest.raises(UsageError, match=r"x\.mp4"):
            folder_names([Path("a/x.mp4"), Path("b/x.mp4")])

    def test_failure_leaves_nothing_and_success_all(self, tmp_path: Path) -> None:
        target = tmp_path / "clip"
        with pytest.raises(KeyError), result_folder(target) as folder:
            (folder / "faces.csv").write_text("half")
            raise KeyError
        assert list(tmp_path.iterdir()) == []
        with result_folder(target) as folder:
            (folder / "faces.csv").write_text("whole")
        assert (target / "faces.csv").read_text() == "whole"
        assert [path.name for path in tmp_path.iterdir()] == ["clip"]

    def test_a_link_in_the_way(self, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "clip").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(UsageError, match="in the way"):
            check_target(tmp_path / "clip", [])


def test_contract_reads_triton_json_with_sizes_as_text() -> None:
    metadata = {
        "versions": ["2", "10"],
        "inputs": [{"name": "FACES", "datatype": "UINT8", "shape": ["-1", "96", "96", "1"]}],
        "outputs": [{"name": "EXPRESSION", "datatype": "FP32", "shape": ["-1", "2"]}],
    }
    config = {"max_batch_size": 8, "parameters": {"labels": {"string_value": '["calm", "lively"]'}}}
    contract = read_contract(metadata, config)
    assert (contract.crop_shape, contract.labels, contract.version) == ((96, 96, 1), ("calm", "lively"), "10")
    assert not contract.has_valence_arousal
    with pytest.raises(ContractError, match="max_batch_size"):
        read_contract(metadata, config | {"max_batch_size": 0})
    with pytest.raises(ContractError, match="distinct"):
        read_contract(metadata, config | {"parameters": {"labels": {"string_value": '["calm", "calm"]'}}})


def test_four_categories_are_columns_of_the_labels() -> None:
    assert [LABELS[column] for column in four_category_columns(LABELS)] == [
        "angry",
        "happy",
        "neutral",
        "sad",
    ]


def predictions(*rows: list[float]) -> Predictions:
    return Predictions(np.array(rows, np.float32).reshape(-1, 2), None)


class TestSummary:
    def test_shares_are_weighted_by_time(self) -> None:
        summary = Summary(("calm", "lively"), has_affect=False)
        summary.add(0.0, [1], predictions([0.9, 0.1]))
        summary.add(3.0, [1], predictions([0.2, 0.8]))
        summary.add(4.0, [], predictions())
        result = summary.result()
        assert result["overall"]["share"] == {"calm": 0.75, "lively": 0.25}
        assert result["overall"]["face_seconds"] == 4.0
        assert result["overall"]["mean_probability"]["calm"] == pytest.approx((0.9 * 3 + 0.2) / 4, abs=1e-6)
        assert (result["frames_analysed"], result["frames_without_face"]) == (3, 1)

    def test_a_single_picture_has_a_dominant_expression(self) -> None:
        summary = Summary(("calm", "lively"), has_affect=False)
        summary.add(0.0, [1], predictions([0.2, 0.8]))
        assert summary.result()["overall"]["dominant_expression"] == "lively"

    def test_no_face_has_none(self) -> None:
        summary = Summary(("calm", "lively"), has_affect=False)
        summary.add(0.0, [], predictions())
        assert summary.result()["overall"]["dominant_expression"] is None

    def test_times_that_go_backwards_are_counted_and_weigh_nothing(self) -> None:
        summary = Summary(("calm", "lively"), has_affect=False)
        for time_s in (0.0, 0.2, 0.1, 0.3):
            summary.add(time_s, [1], predictions([1.0, 0.0]))
        assert summary.times_backwards == 1
        assert summary.result()["overall"]["face_seconds"] == pytest.approx(0.4, abs=1e-4)

    def test_the_last_frame_lasts_no_longer_than_the_video(self) -> None:
        summary = Summary(("calm", "lively"), has_affect=False)
        for time_s in (0.0, 1.0, 2.0):
            summary.add(time_s, [1], predictions([1.0, 0.0]))
        assert summary.result(end_s=2.25)["overall"]["face_seconds"] == pytest.approx(2.25)

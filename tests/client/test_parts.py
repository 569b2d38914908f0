"""The pure parts: crops, ordered concurrency, the contract's checks."""

import threading
from collections.abc import Iterator

import av
import numpy as np
import pytest

from fer_client.concurrency import ordered_map, prefetch
from fer_client.contract import LABELS, four_category_columns, read_contract
from fer_client.cropping import crop_faces, square_around
from fer_client.detection import detection_size
from fer_client.errors import ContractError
from fer_client.video import Frame, Orientation


def frame_of(luma: np.ndarray, is_full_range: bool = True) -> Frame:
    return Frame(
        0, 0.0, luma, is_full_range, av.VideoFrame(luma.shape[1], luma.shape[0], "gray"), Orientation()
    )


class TestCropping:
    def test_square_shares_the_centre_of_the_box(self) -> None:
        assert square_around(np.array([10, 20, 30, 40]), scale=1.0) == (5, 20, 40)
        assert square_around(np.array([10, 20, 40, 40]), scale=1.5) == (0, 10, 60)

    def test_area_mean_when_shrinking(self) -> None:
        luma = np.tile(np.array([[0, 200], [100, 40]], np.uint8), (96, 96))
        crop = crop_faces(frame_of(luma), np.array([[0, 0, 192, 192]]), (96, 96, 1))
        assert crop.shape == (1, 96, 96, 1)
        assert np.unique(crop).tolist() == [85]

    def test_limited_range_becomes_full_range(self) -> None:
        luma = np.full((96, 96), 235, np.uint8)
        luma[:48] = 16
        crop = crop_faces(frame_of(luma, is_full_range=False), np.array([[0, 0, 96, 96]]), (96, 96, 1))
        assert np.unique(crop).tolist() == [0, 255]

    def test_beyond_the_edge_the_border_repeats(self) -> None:
        luma = np.arange(40, dtype=np.uint8).reshape(1, 40).repeat(40, axis=0)
        crop = crop_faces(frame_of(luma), np.array([[30, 0, 20, 20]]), (20, 20, 1))[0, :, :, 0]
        assert crop[0].tolist() == [*range(30, 40), *[39] * 10]

    def test_detector_copy_keeps_the_shape_and_never_grows(self) -> None:
        assert detection_size((1920, 1080), 320) == (320, 180)
        assert detection_size((1080, 1920), 320) == (180, 320)
        assert detection_size((200, 100), 320) == (200, 100)


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

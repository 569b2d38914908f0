"""Columns of whole numbers come back as they were, and become small."""

import base64
import gzip

import numpy as np
import pytest
from numpy.typing import NDArray

from fer_client.visuals.pages.packing import Packed, pack, quantised


def unpacked(packed: Packed) -> dict[str, list[int]]:
    """Read as the page's scripts do, value by value."""
    data = gzip.decompress(base64.b64decode(packed.text))
    columns, place = {}, 0
    for name, count, width in packed.columns:
        part = data[place : place + count * width]
        values, value = [], 0
        for index in range(count):
            folded = sum(part[plane * count + index] << (8 * plane) for plane in range(width))
            value += -(folded + 1) // 2 if folded % 2 else folded // 2
            values.append(value)
        columns[name], place = values, place + count * width
    assert place == len(data)
    return columns


@pytest.mark.parametrize(
    "values",
    [
        [],
        [0],
        [-1],
        [5, 5, 5],
        [127, -128, 32_767, -32_768],
        [2**31, -(2**31), 0],
        [3_600_000_000, 3_600_033_333, 0, 2**50],
    ],
)
def test_whole_numbers_come_back(values: list[int]) -> None:
    columns = {"a": np.array(values, np.int64), "b": np.arange(3)}
    assert unpacked(pack(columns)) == {"a": values, "b": [0, 1, 2]}


def test_the_same_columns_give_the_same_text() -> None:
    columns = {"a": np.arange(1000) % 7}
    assert pack(columns) == pack(columns)


def test_even_steps_take_almost_nothing() -> None:
    times = np.round(np.arange(108_000) * 1e6 / 30).astype(np.int64)
    assert len(pack({"time_s": times}).text) < 2_000


@pytest.mark.parametrize("step", [1e-6, 1e-4, 1e-3, 5e-3])
def test_what_is_quantised_is_off_by_half_a_step_at_most(step: float) -> None:
    values: NDArray[np.float64] = np.random.default_rng(0).random(1000)
    assert np.abs(quantised(values, step) * step - values).max() <= step / 2 + 1e-12

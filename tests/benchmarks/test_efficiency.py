"""The cost of what cannot be left out."""

import pytest

from benchmarks.efficiency import Floor


def test_the_floor_takes_the_least_of_each_part() -> None:
    floor = Floor()
    floor.lower(2.0, 0.01, 0.002)
    floor.lower(3.0, 0.005, 0.001)
    assert floor.total_s(detections=100, faces=1000) == pytest.approx(2 + 0.5 + 1)

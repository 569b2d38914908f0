"""Rows by the names of their columns, of every kind of input."""

from datetime import UTC, datetime

import pytest

from fer_client.outputs.records import FaceRecord, columns

LABELS = ("happy", "sad")


@pytest.mark.parametrize("came", [None, datetime(2026, 1, 2, tzinfo=UTC)])
def test_a_row_has_the_columns_of_its_table(came: datetime | None) -> None:
    wall_time = None if came is None else came.isoformat()
    row = FaceRecord(0, 0.0, "cam", wall_time=wall_time).named_row(LABELS)
    assert list(row) == list(columns(LABELS, is_live=came is not None))
    assert row.get("wall_time") == wall_time

"""Where a comparison's timeline shows a face, and where none."""

import numpy as np
import pytest

from fer_client.comparison.series import Series
from fer_client.comparison.timelines import timeline_of


@pytest.mark.parametrize("from_before", [False, True])
def test_a_stall_has_no_face_where_the_frame_that_stands_for_it_has_none(from_before: bool) -> None:
    """Frames at 0, 1, 2, 7, 8 s; the one that stands from 2 to 7 s is empty."""
    times_s = np.array([0.0, 1, 2, 7, 8])
    durations_s = np.array([0.0, 1, 1, 5, 1] if from_before else [1.0, 1, 5, 1, 1])
    seen = np.array([1, 1, 1, 0, 1] if from_before else [1, 1, 0, 1, 1])
    sums = (seen * durations_s)[:, np.newaxis]
    series = Series(sums, seen * durations_s, durations_s, has_time=True)
    made = timeline_of(series, times_s, 0, 1, from_before)
    empty = np.isnan(made.probabilities[:, 0]) & (made.ends_s > made.starts_s)
    assert made.starts_s[empty].tolist() == [2]
    assert made.ends_s[empty].tolist() == [7]
    assert (made.starts_s[1:] >= made.ends_s[:-1]).all()

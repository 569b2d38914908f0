"""A face's own rest: found in a made track whose rest is known, and taken from what it shows."""

import numpy as np
import pytest
from numpy.typing import NDArray

from fer_client.temporal.baseline import relative_to, resting_baseline

LABELS = ("angry", "happy", "sad", "neutral")


def track(*stretches: tuple[float, tuple[float, ...]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Probabilities and times at 10 frames a second of stretches in seconds, each with its probabilities."""
    rows = np.concatenate(
        [np.tile(np.array(answer), (round(10 * seconds), 1)) for seconds, answer in stretches]
    )
    noise = np.exp(np.random.default_rng(0).normal(0, 0.05, rows.shape))
    rows = rows * noise
    return rows / rows.sum(axis=1, keepdims=True), np.arange(len(rows)) / 10


SAD_AT_REST = (0.02, 0.01, 0.57, 0.40)
SMILE = (0.01, 0.90, 0.05, 0.04)
TRULY_SAD = (0.01, 0.005, 0.975, 0.01)


def test_a_face_that_reads_as_sad_at_rest_is_neutral_against_itself() -> None:
    rows, times_s = track((12, SAD_AT_REST), (4, SMILE), (8, SAD_AT_REST))
    baseline = resting_baseline(rows, times_s, np.full(len(times_s), 0.1), LABELS)
    assert baseline is not None
    assert baseline.probabilities == pytest.approx(SAD_AT_REST, abs=0.05)
    answers = relative_to(baseline, rows, LABELS).argmax(axis=1)
    assert (rows.argmax(axis=1)[:120] == LABELS.index("sad")).all()
    assert (answers[:120] == LABELS.index("neutral")).all()
    assert (answers[120:160] == LABELS.index("happy")).all()


def test_frames_far_apart_stand_for_all_their_time() -> None:
    rows, times_s = track((2, SAD_AT_REST))
    baseline = resting_baseline(rows, 10 * times_s, np.ones(len(times_s)), LABELS)
    assert baseline is not None
    assert baseline.seconds == baseline.frames >= 3


def test_a_single_frame_is_no_rest() -> None:
    rows = np.array([[0.1, 0.6, 0.1, 0.2], [0.1, 0.1, 0.1, 0.7]])
    assert resting_baseline(rows, np.array([0.0, 10.0]), np.array([10.0, 10.0]), LABELS) is None


def test_what_goes_well_beyond_the_rest_stays() -> None:
    rows, times_s = track((12, SAD_AT_REST), (4, TRULY_SAD))
    baseline = resting_baseline(rows, times_s, np.full(len(times_s), 0.1), LABELS)
    assert baseline is not None
    assert (relative_to(baseline, rows, LABELS)[120:].argmax(axis=1) == LABELS.index("sad")).all()


def test_a_face_that_reads_as_neutral_at_rest_stays_as_it_is() -> None:
    rows, times_s = track((12, (0.03, 0.03, 0.06, 0.88)), (4, SMILE), (4, TRULY_SAD))
    baseline = resting_baseline(rows, times_s, np.full(len(times_s), 0.1), LABELS)
    assert baseline is not None
    assert relative_to(baseline, rows, LABELS) == pytest.approx(rows)


def test_the_rest_is_not_what_a_face_passes_on_its_way() -> None:
    """From a smile to sadness and back within half a second, over and over: neutral is never held."""
    swing = [(0.5, SMILE), (0.1, (0.03, 0.3, 0.3, 0.37)), (0.5, TRULY_SAD), (0.1, (0.03, 0.3, 0.3, 0.37))]
    rows, times_s = track(*swing * 20)
    baseline = resting_baseline(rows, times_s, np.full(len(times_s), 0.1), LABELS)
    assert baseline is None or baseline.probabilities.argmax() != LABELS.index("neutral")


@pytest.mark.parametrize("seconds", [0.1, 2, 4])
def test_a_short_track_has_no_rest(seconds: float) -> None:
    rows, times_s = track((seconds, SAD_AT_REST))
    assert resting_baseline(rows, times_s, np.full(len(times_s), 0.1), LABELS) is None


def test_seconds_in_which_the_face_was_away_do_not_count() -> None:
    rows, times_s = track((4, SAD_AT_REST))
    times_s[20:] += 60  # so that few calm frames stand for more than 0.1 s
    assert resting_baseline(rows, times_s, np.full(len(times_s), 0.1), LABELS) is None


def test_probabilities_of_zero_stay_finite() -> None:
    rows, times_s = track((12, (0.0, 0.0, 0.0, 1.0)))
    baseline = resting_baseline(rows, times_s, np.full(len(times_s), 0.1), LABELS)
    assert baseline is not None
    assert np.isfinite(relative_to(baseline, rows, LABELS)).all()

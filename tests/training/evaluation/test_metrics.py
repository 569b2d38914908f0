"""The figures, against cases worked out by hand and against their definitions."""

import numpy as np
import pytest

from fer_client.contract import LABELS
from fer_training.evaluation.metrics import (
    accuracy,
    confusion_matrix,
    cross_entropy,
    expected_calibration_error,
    fit_temperature,
    four_category_accuracy,
    negative_log_likelihood,
    precision_recall_f1,
    reliability,
    softmax,
    summarise,
)


def one_hot(*classes: int) -> np.ndarray:
    return np.eye(len(LABELS))[list(classes)]


def test_softmax_of_large_logits_is_finite_and_sums_to_one() -> None:
    probabilities = softmax(np.array([[1000.0, 999.0, -1000.0]]))
    np.testing.assert_allclose(probabilities, [[1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1)), 0]], atol=1e-12)


def test_temperature_divides_the_logits() -> None:
    logits = np.array([[2.0, 0.0]])
    np.testing.assert_allclose(softmax(logits, 2.0), softmax(logits / 2))


def test_four_categories_ignore_the_other_columns_and_images() -> None:
    angry, fear, happy, sad = (LABELS.index(name) for name in ("angry", "fear", "happy", "sad"))
    probabilities = np.full((4, len(LABELS)), 0.01)
    probabilities[0, [fear, angry]] = 0.6, 0.3  # fear leads, but among the four angry does: right
    probabilities[1, happy] = 0.9  # right
    probabilities[2, happy] = 0.9  # sad taken for happy: wrong
    probabilities[3, happy] = 0.9  # an image of fear: not counted
    labels = np.array([angry, happy, sad, fear])
    assert four_category_accuracy(probabilities, labels, LABELS) == pytest.approx(2 / 3)
    assert accuracy(probabilities, labels) == pytest.approx(1 / 4)


def test_four_categories_are_none_where_one_is_missing() -> None:
    assert four_category_accuracy(np.eye(2), np.array([0, 1]), ("happy", "sad")) is None


def test_four_categories_are_none_where_no_image_has_one() -> None:
    fear = LABELS.index("fear")
    assert four_category_accuracy(one_hot(fear), np.array([fear]), LABELS) is None


def test_confusion_matrix_has_labels_in_rows() -> None:
    matrix = confusion_matrix(np.eye(3)[[0, 1, 1, 2]], np.array([0, 0, 1, 2]))
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]


def test_precision_recall_and_f1_of_a_class_never_met_are_zero() -> None:
    precision, recall, f1 = precision_recall_f1(np.array([[3, 1, 0], [2, 4, 0], [0, 0, 0]]))
    np.testing.assert_allclose(precision, [3 / 5, 4 / 5, 0])
    np.testing.assert_allclose(recall, [3 / 4, 4 / 6, 0])
    np.testing.assert_allclose(f1, [2 / 3, 8 / 11, 0])


def test_negative_log_likelihood_of_certainty_is_zero_and_of_error_is_finite() -> None:
    assert negative_log_likelihood(one_hot(3), np.array([3])) == 0
    assert negative_log_likelihood(one_hot(3), np.array([4])) == pytest.approx(-np.log(1e-12))


def test_calibration_error_of_one_bin_is_confidence_minus_accuracy() -> None:
    probabilities = np.tile([0.9, 0.1], (10, 1))
    labels = np.array([0] * 6 + [1] * 4)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(0.3)
    filled = reliability(probabilities, labels)
    assert filled[13].tolist() == pytest.approx([1.0, 0.9, 0.6])
    assert filled[:, 0].sum() == pytest.approx(1)


def test_confidence_of_exactly_one_falls_into_the_last_bin() -> None:
    assert reliability(np.eye(2), np.array([0, 1]))[-1].tolist() == [1, 1, 1]


@pytest.mark.parametrize("true_temperature", [0.4, 1.0, 2.5])
def test_fitted_temperature_is_the_one_that_the_labels_were_drawn_with(true_temperature: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20000, 5))
    shares = softmax(logits, true_temperature)
    labels = (shares.cumsum(axis=1) > rng.random((len(logits), 1))).argmax(axis=1)
    fitted = fit_temperature(logits, labels)
    assert fitted == pytest.approx(true_temperature, rel=0.05)
    assert expected_calibration_error(softmax(logits, fitted), labels) < 0.02


def test_summary_names_every_class() -> None:
    labels = np.arange(len(LABELS))
    figures = summarise(one_hot(*labels), labels, LABELS)
    assert figures["accuracy"] == figures["four_category_accuracy"] == figures["macro_f1"] == 1
    assert figures["recall"] == dict.fromkeys(LABELS, 1.0)
    assert figures["images"] == len(LABELS)


def test_calibration_against_the_voters_compares_confidence_with_their_share() -> None:
    """A network as sure as seven voters of ten is calibrated; by the label that they chose it is 30 points off."""
    probabilities = np.tile([0.7, 0.3], (10, 1))
    assert expected_calibration_error(probabilities, np.tile([0.7, 0.3], (10, 1))) == pytest.approx(0)
    assert expected_calibration_error(probabilities, np.zeros(10, int)) == pytest.approx(0.3)
    assert expected_calibration_error(probabilities, np.tile([0.5, 0.5], (10, 1))) == pytest.approx(0.2)


@pytest.mark.parametrize("true_temperature", [0.4, 1.0, 2.5])
def test_temperature_fitted_on_shares_is_the_one_that_made_them(true_temperature: float) -> None:
    logits = np.random.default_rng(0).normal(0, 2, (500, 5))
    shares = softmax(logits, true_temperature)
    fitted = fit_temperature(logits, shares)
    assert fitted == pytest.approx(true_temperature, rel=1e-3)
    least = cross_entropy(softmax(logits, true_temperature), shares)
    assert least <= cross_entropy(softmax(logits, 1.1 * true_temperature), shares)


def test_a_temperature_at_the_end_of_its_range_is_none() -> None:
    """Answers that are opposite to the labels are best made equal; answers that are right are best made sure."""
    logits, labels = np.tile([2.0, 0.0], (10, 1)), np.zeros(10, int)
    assert fit_temperature(logits, labels) is None
    assert fit_temperature(logits, 1 - labels) is None

import numpy as np
import pytest

from fer_client.errors import UsageError
from fer_export.answers import output_kind, probabilities, require_spread, sure_share
from fer_export.description import Description

SHARES = np.array([[0.25, 0.75], [0.5, 0.5]], np.float32)
LOGITS = np.array([[1, 2], [0, 3]], np.float32)


@pytest.mark.parametrize(
    ("outputs", "kind"), [(SHARES, "probabilities"), (LOGITS, "logits"), (-SHARES, "logits")]
)
def test_kind_is_told_by_the_answers(outputs: np.ndarray, kind: str) -> None:
    assert output_kind(outputs) == kind


@pytest.mark.parametrize(
    ("outputs", "wanted", "found"), [(SHARES, "logits", "probabilities"), (LOGITS, "probabilities", "logits")]
)
def test_kind_that_the_answers_deny(outputs: np.ndarray, wanted: str, found: str) -> None:
    with pytest.raises(UsageError, match=f"--output {found}"):
        output_kind(outputs, wanted)


def test_answers_that_are_no_numbers() -> None:
    with pytest.raises(UsageError, match="not finite"):
        output_kind(np.full((2, 2), np.nan, np.float32))


def test_logits_become_calibrated_probabilities() -> None:
    labels = ("glad", "not")

    warm = probabilities(np.array([[0, 2]], np.float32), Description(labels, (0, 1), temperature=2))

    np.testing.assert_allclose(warm, [[1 / (1 + np.e), np.e / (1 + np.e)]], rtol=1e-6)
    assert probabilities(SHARES, Description(labels, (0, 1), output="probabilities")) is SHARES


def test_answers_that_hardly_change_are_refused() -> None:
    alike = np.array([[0.30, 0.70], [0.31, 0.69]], np.float32)

    with pytest.raises(
        UsageError, match=r"2 differing crops alike \(not 69\.0% to 70\.0%\): check --input-range"
    ):
        require_spread(alike, ("glad", "not"))


def test_answers_that_change_pass_and_one_says_nothing() -> None:
    require_spread(SHARES, ("glad", "not"))
    require_spread(SHARES[:1], ("glad", "not"))


def test_share_of_answers_that_are_all_but_certain() -> None:
    assert sure_share(np.array([[0.995, 0.005], [0.9, 0.1], [0, 1], [0.5, 0.5]], np.float32)) == 0.5

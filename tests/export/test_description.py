"""What must be known to serve a network: from its record, from options, or asked for in one sentence."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.contract import LABELS
from fer_client.errors import InputError, UsageError
from support.keras_networks import load

pytestmark = [
    pytest.mark.keras,
    pytest.mark.usefixtures("keras"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def test_record_describes_the_network(weights: Path, small_network: Any) -> None:
    network = load(weights)

    assert network.input_shape == (48, 48, 1)
    assert network.description.labels == LABELS
    assert network.description.input_range == (-1.0, 1.0)
    assert network.description.output == "logits"
    assert network.description.temperature == 0.5
    assert network.description.provenance["metrics"] == {"accuracy": 0.14}
    assert network.weights_sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()
    inputs = np.ones((2, 48, 48, 1), np.float32)
    np.testing.assert_allclose(network.model(inputs), small_network(inputs), atol=1e-6)


def test_options_overrule_the_record(weights: Path) -> None:
    labels = tuple("abcdefg")

    description = load(weights, labels=labels, input_range=(0, 1)).description

    assert (description.labels, description.input_range) == (labels, (0, 1))


def test_no_record_and_no_options(weights: Path) -> None:
    weights.with_suffix(".json").unlink()

    with pytest.raises(UsageError, match="--labels"):
        load(weights)
    with pytest.raises(UsageError, match="--input-range"):
        load(weights, labels=LABELS)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"labels": "happy"}, "labels"),
        ({"labels": [1, 2]}, "labels"),
        ({"input": {"range": [0]}}, "range"),
        ({"input": {}}, "range"),
        ({"temperature": 0}, "temperature"),
        ({"temperature": "warm"}, "temperature"),
    ],
)
def test_record_with_a_wrong_entry(
    weights: Path, write_record: Any, changes: dict[str, Any], named: str
) -> None:
    write_record(weights, **changes)

    with pytest.raises(InputError, match=f"small.json cannot be used.*`{named}`"):
        load(weights)


@pytest.mark.parametrize("text", ["{", "[1]", "\0"])
def test_record_that_is_no_json_object(weights: Path, text: str) -> None:
    weights.with_suffix(".json").write_text(text)

    with pytest.raises(InputError, match="JSON object"):
        load(weights)


def test_labels_that_do_not_fit(weights: Path) -> None:
    with pytest.raises(UsageError, match="7 outputs but 2 labels"):
        load(weights, labels=("glad", "not"))
    with pytest.raises(UsageError, match="distinct"):
        load(weights, labels=("glad", "glad"))


def test_input_range_that_is_empty(weights: Path) -> None:
    with pytest.raises(UsageError, match="LOW below HIGH"):
        load(weights, input_range=(1.0, 1.0))

"""Valence and arousal beside the expressions, computed in the network's graph or by a network of their own."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.errors import InputError, UsageError

pytest.importorskip("keras", reason="needs the extra `export`")
pytest.importorskip("onnx", reason="needs the extra `export`")

from fer_export.exporting import ExportSettings, export
from fer_export.repository import parse_config

pytestmark = [
    pytest.mark.keras,
    pytest.mark.usefixtures("tf", "onnx", "ort"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
FACES = np.random.default_rng(3).uniform(-1, 1, (5, 48, 48, 1)).astype(np.float32)


def write_affect(weights: Path, reads: str, **changes: Any) -> Path:
    """A made network of valence and arousal behind the small one, or beside it, with its record."""
    import keras

    keras.utils.set_random_seed(7)
    shape = {"features": (16,), "probabilities": (7,), "pictures": (48, 48, 1)}[reads]
    large = keras.initializers.RandomNormal(stddev=2)
    pooled = [keras.layers.GlobalAveragePooling2D()] if reads == "pictures" else []
    model = keras.Sequential([keras.Input(shape), *pooled, keras.layers.Dense(2, kernel_initializer=large)])
    path = weights.with_name("affect.keras")
    model.save(path)
    record = {"target": "valence_arousal", "reads": reads, "statement": "Made up."}
    record |= {"trunk": hashlib.sha256(weights.read_bytes()).hexdigest(), "input": {"range": [-1, 1]}}
    path.with_suffix(".json").write_text(json.dumps(record | changes))
    return path


def run(file: Path, name: str) -> dict[str, np.ndarray]:
    import onnxruntime as ort

    session = ort.InferenceSession(file / name / "1/model.onnx", providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"NETWORK_INPUT": FACES}), strict=True))


def expected(small_network: Any, affect: Path, reads: str) -> np.ndarray:
    import keras

    split = keras.Model(small_network.input, [small_network.get_layer("logits").input, small_network.output])
    features, logits = split.predict(FACES, verbose=0)
    probabilities = np.exp(logits / 0.5) / np.exp(logits / 0.5).sum(1, keepdims=True)
    taken = {"features": features, "probabilities": probabilities, "pictures": FACES}[reads]
    return np.clip(keras.models.load_model(affect).predict(taken, verbose=0), -1, 1)


@pytest.mark.parametrize("reads", ["features", "probabilities", "pictures"])
def test_it_is_served_and_the_expressions_stay_bit_for_bit(
    weights: Path, small_network: Any, tmp_path: Path, reads: str
) -> None:
    affect = write_affect(weights, reads)
    export(ExportSettings(weights, tmp_path / "plain"))

    report = export(ExportSettings(weights, tmp_path / "both", affect=affect))

    assert report.affect is not None
    assert report.affect.size < 1e-4
    name = "valence_arousal" if reads == "pictures" else "expression"
    answer = run(tmp_path / "both", name)["VALENCE_AROUSAL"]
    np.testing.assert_allclose(answer, expected(small_network, affect, reads), atol=1e-4)
    plain = run(tmp_path / "plain", "expression")["EXPRESSION"]
    np.testing.assert_array_equal(run(tmp_path / "both", "expression")["EXPRESSION"], plain)
    ensemble = parse_config((tmp_path / "both/fer/config.pbtxt").read_text())
    assert ensemble.parameters["valence_arousal"].string_value == "Made up."
    assert (tmp_path / "both/valence_arousal").is_dir() == (reads == "pictures")
    from fer_export.checking import check

    checked = check(tmp_path / "both")
    assert checked.problems == []
    assert checked.contract is not None
    assert checked.contract.affect_statement == "Made up."


@pytest.mark.parametrize(
    ("reads", "changes", "told"),
    [
        ("features", {"trunk": "0" * 64}, r"belongs to another network \(SHA-256 000000000000…"),
        ("features", {"target": "expression"}, "has no record of a network that tells valence and arousal"),
        ("pictures", {"input": {"range": [0, 1]}}, r"reads \[48, 48, 1\] in \[0, 1\]"),
    ],
)
def test_what_does_not_fit_is_refused(
    weights: Path, tmp_path: Path, reads: str, changes: Any, told: str
) -> None:
    affect = write_affect(weights, reads, **changes)
    with pytest.raises(InputError, match=told):
        export(ExportSettings(weights, tmp_path / "repository", affect=affect))
    assert not (tmp_path / "repository").exists()


def test_a_missing_file_and_an_onnx_network(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file .*none\.keras"):
        export(ExportSettings(weights, tmp_path / "one", affect=tmp_path / "none.keras"))
    affect = write_affect(weights, "features")
    export(ExportSettings(weights, tmp_path / "one"))
    onnx = (tmp_path / "one/expression/1/model.onnx").rename(tmp_path / "net.onnx")
    settings = ExportSettings(
        onnx, tmp_path / "two", ("a", "b", "c", "d", "e", "f", "g"), (-1, 1), affect=affect
    )
    with pytest.raises(UsageError, match=r"export the \.keras file"):
        export(settings)

"""The committed model repository on a real Triton, against the Keras network that it was made from."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as triton

from fer_client.contract import LABELS, read_contract

pytestmark = [
    pytest.mark.triton,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

ROOT = Path(__file__).parents[2]
REPOSITORY = ROOT / "model_repository"


@pytest.fixture(scope="module")
def client() -> Iterator[triton.InferenceServerClient]:
    command = [sys.executable, "-m", "fer_server", "--model-repository", str(REPOSITORY)]
    options = ["--auto-ports", "--json", "--stop-on-eof"]
    with subprocess.Popen(
        [*command, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        with triton.InferenceServerClient(json.loads(server.stdout.readline())["grpc"]) as connected:
            yield connected
        server.stdin.close()
        assert server.wait(60) == 0


@pytest.fixture(scope="module")
def weights(onnx: Any) -> Path:
    """The network with the checksum that the committed ONNX file names."""
    metadata = {
        entry.key: entry.value for entry in onnx.load(REPOSITORY / "expression/1/model.onnx").metadata_props
    }
    for path in sorted((ROOT / "training/weights").glob("*.keras")):
        if hashlib.sha256(path.read_bytes()).hexdigest() == metadata["weights_sha256"]:
            return path
    pytest.fail("no file in training/weights has the checksum that the ONNX metadata names")


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    from fer_export.crops import load_crops

    return load_crops(None, (96, 96, 1)).pixels[::4][:60]


def ask(
    client: triton.InferenceServerClient, faces: np.ndarray, class_count: int = 0, output: str = "EXPRESSION"
) -> np.ndarray:
    request = triton.InferInput("FACES", list(faces.shape), "UINT8")
    request.set_data_from_numpy(faces)
    wanted = triton.InferRequestedOutput(output, class_count=class_count)
    return np.asarray(client.infer("fer", [request], outputs=[wanted]).as_numpy(output))


def test_server_fits_the_contract(client: triton.InferenceServerClient) -> None:
    metadata = client.get_model_metadata("fer", as_json=True)
    config = client.get_model_config("fer", as_json=True)["config"]

    contract = read_contract(metadata, config)
    assert contract.labels == LABELS
    assert contract.has_valence_arousal
    assert "weak supervision from votes" in contract.affect_statement


@pytest.mark.parametrize("batch", [1, 3, 60])
def test_triton_answers_as_keras(
    client: triton.InferenceServerClient, keras: Any, weights: Path, faces: np.ndarray, batch: int
) -> None:
    from fer_export.description import describe

    inputs = faces[:batch].reshape(batch, 48, 2, 48, 2, 1).mean((2, 4)) / 127.5 - 1
    logits = keras.models.load_model(weights, compile=False).predict(inputs, verbose=0)
    scaled = np.exp(logits / describe(weights).temperature)

    answer = ask(client, faces[:batch])

    np.testing.assert_allclose(answer, scaled / scaled.sum(1, keepdims=True), atol=1e-4)


def test_valence_and_arousal_are_the_expected_coordinates(
    client: triton.InferenceServerClient, faces: np.ndarray
) -> None:
    from fer_training.data.circumplex import coordinates

    expected = ask(client, faces) @ coordinates(LABELS)

    np.testing.assert_allclose(ask(client, faces, output="VALENCE_AROUSAL"), expected, atol=1e-5)
    assert expected.std(axis=0).min() > 0.01


def test_classification_extension_names_the_labels(
    client: triton.InferenceServerClient, faces: np.ndarray
) -> None:
    best = LABELS[ask(client, faces[:1]).argmax()]

    (told,) = ask(client, faces[:1], class_count=1)

    assert told[0].decode().split(":")[2] == best

"""The committed model repository on a real Triton, against the Keras network that it was made from."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as triton

from fer_client.contract import LABELS, read_contract
from fer_export.cli import main
from support.embedded_server import embedded_server
from support.onnx_models import write_onnx

pytestmark = [
    pytest.mark.triton,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

ROOT = Path(__file__).parents[2]
REPOSITORY = ROOT / "model_repository"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with embedded_server(REPOSITORY) as server:
        yield server.grpc


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(url) as connected:
        yield connected


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


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return int(ended.value.code or 0)


@pytest.mark.usefixtures("ort")
def test_check_asks_the_server_too(
    onnx: Any, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "crops.npy", np.random.default_rng(0).integers(0, 256, (70, 96, 96), dtype=np.uint8))
    crops = ("--crops", tmp_path / "crops.npy", "--url", url)

    assert run("check", REPOSITORY, *crops) == 0
    told = capsys.readouterr().out
    assert "On 70 crops, against ONNX Runtime:" in told
    assert f"the server at {url}: EXPRESSION differs by at most" in told
    assert "the same label for 100.00%" in told
    assert f"the server at {url}: VALENCE_AROUSAL differs by at most" in told

    other = shutil.copytree(REPOSITORY, tmp_path / "other")
    model = onnx.load(other / "expression/1/model.onnx")
    weight = next(entry for entry in model.graph.initializer if entry.name == "Conv_1.1")
    values = onnx.numpy_helper.to_array(weight) * np.float32(1.01)
    weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    onnx.save(model, other / "expression/1/model.onnx")

    assert run("check", other, *crops) == 5
    assert "differ by more than 0.0001, which fp32 allows" in capsys.readouterr().err
    assert run("check", REPOSITORY, "--url", "localhost:1") == 4


@pytest.mark.usefixtures("onnx", "ort")
def test_active_version_is_what_a_server_serves(tmp_path: Path) -> None:
    """Versions of other labels and another size of crops, so that nothing of one can serve the other."""
    repository = tmp_path / "repository"
    options = ("--input-range", "-9", "9", "--model-repository", repository)
    first = write_onnx(tmp_path / "first.onnx", (1, 32, 32))
    second = write_onnx(tmp_path / "second.onnx", (3, 24, 24), ends_in_softmax=True)
    assert run(first, *options, "--labels", "a,b,c") == 0
    assert run(second, *options, "--labels", "x,y,z", "--activate") == 0

    for version, shape, labels in (("2", (96, 96, 3), ("x", "y", "z")), ("1", (96, 96, 1), ("a", "b", "c"))):
        assert run("activate", version, repository) == 0
        with embedded_server(repository) as server, triton.InferenceServerClient(server.grpc) as client:
            contract = read_contract(
                client.get_model_metadata("fer", as_json=True),
                client.get_model_config("fer", as_json=True)["config"],
            )
            assert (contract.crop_shape, contract.labels, contract.version) == (shape, labels, version)
            faces = np.full((2, *shape), 99, np.uint8)
            told = ask(client, faces, class_count=1)
            assert told[0][0].decode().split(":")[2] == labels[ask(client, faces)[0].argmax()]
            assert run("check", repository, "--url", server.grpc) == 0

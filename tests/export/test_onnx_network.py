"""ONNX files of other makers, exported without Keras or TensorFlow."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.errors import InputError, UsageError
from support.embedded_server import embedded_server
from support.onnx_models import write_onnx

pytestmark = [pytest.mark.keras, pytest.mark.usefixtures("onnx", "ort")]

ROOT = Path(__file__).parents[2]
LABELS = ("glad", "sad", "other")


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """Nine pictures of noise, each darker than the one before."""
    faces = np.random.default_rng(0).integers(0, 256, (9, 64, 64, 3), dtype=np.uint8)
    np.save(tmp_path / "faces.npy", faces // np.arange(1, 10, dtype=np.uint8)[:, None, None, None])
    return tmp_path / "faces.npy"


def export(weights: Path, crops: Path, **options: Any) -> Any:
    from fer_export.exporting import ExportSettings
    from fer_export.exporting import export as export_network

    options = {"labels": LABELS, "input_range": (0.0, 4.0), "crops": crops} | options
    return export_network(ExportSettings(weights, weights.parent / "repository", **options))


def answers(ort: Any, repository: Path, faces: np.ndarray) -> np.ndarray:
    for name, given, taken in (
        ("face_preprocess", "FACES", "NETWORK_INPUT"),
        ("expression", "NETWORK_INPUT", "EXPRESSION"),
    ):
        session = ort.InferenceSession(repository / name / "1/model.onnx", providers=["CPUExecutionProvider"])
        (faces,) = session.run([taken], {given: faces})
    return faces


def expected(ort: Any, path: Path, network_input: np.ndarray) -> np.ndarray:
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    logits = np.concatenate([session.run(None, {name: picture[None]})[0] for picture in network_input])
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


@pytest.mark.parametrize("shape", [(3, 32, 32), (32, 32, 3), (1, 32, 40), (32, 32, 1)])
@pytest.mark.parametrize(("batch", "flat"), [("n", (-1, 4)), (1, (1, 4))])
def test_layout_and_batch_are_found(
    ort: Any, tmp_path: Path, crops: Path, shape: tuple[int, ...], batch: int | str, flat: tuple[int, ...]
) -> None:
    """A batch fixed at 1, with the reshape that belongs to it, is served as a batch of any size."""
    path = write_onnx(tmp_path / "foreign.onnx", shape, batch, flat=flat)

    report = export(path, crops)

    channels = shape[0] if shape[0] in (1, 3) else shape[2]
    assert report.output == "logits"
    assert report.crop_shape[2] == channels
    height, width = shape[1:] if shape[0] in (1, 3) else shape[:2]
    # One colour a crop, so that any resizing gives it back.
    faces = np.arange(0, 200, 40, dtype=np.uint8)[:, None, None, None] * np.ones(
        (1, *report.crop_shape), np.uint8
    )
    inputs = np.broadcast_to(faces[:, :1, :1] / np.float32(255) * 4, (5, height, width, channels)).astype(
        np.float32
    )
    taken = inputs.transpose(0, 3, 1, 2) if shape[0] in (1, 3) else inputs
    np.testing.assert_allclose(
        answers(ort, tmp_path / "repository", faces), expected(ort, path, taken), atol=1e-5
    )


def test_repository_fits_the_contract(tmp_path: Path, crops: Path) -> None:
    from fer_export.checking import check

    export(write_onnx(tmp_path / "foreign.onnx", (3, 32, 32)), crops)

    checked = check(tmp_path / "repository")
    assert checked.problems == []
    assert checked.contract is not None
    assert checked.contract.labels == LABELS


def test_softmax_in_the_file_is_not_applied_twice(ort: Any, tmp_path: Path, crops: Path) -> None:
    with_softmax = export(write_onnx(tmp_path / "a.onnx", (3, 32, 32), ends_in_softmax=True), crops)
    served = answers(ort, tmp_path / "repository", np.load(crops)[:, :32, :32].repeat(3, 1).repeat(3, 2))
    without = export(write_onnx(tmp_path / "b.onnx", (3, 32, 32)), crops, overwrite=True)

    assert (with_softmax.output, without.output) == ("probabilities", "logits")
    again = answers(ort, tmp_path / "repository", np.load(crops)[:, :32, :32].repeat(3, 1).repeat(3, 2))
    np.testing.assert_allclose(again, served, atol=1e-6)


def test_no_tensorflow_is_needed(tmp_path: Path, onnx: Any) -> None:
    """The shipped network, exported from its own ONNX file where Keras and TensorFlow cannot be imported."""
    script = (
        "import sys; sys.modules |= dict.fromkeys(('tensorflow', 'keras', 'tf2onnx'))\n"
        "from fer_export.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    shipped = onnx.load(ROOT / "model_repository/expression/1/model.onnx")
    del shipped.graph.output[1:]  # valence and arousal, which are no classes
    network = tmp_path / "model.onnx"
    onnx.save(shipped, network)
    words = ["--labels", "angry,disgust,fear,happy,sad,surprise,neutral", "--input-range", "-1", "1"]

    done = subprocess.run(
        [
            sys.executable,
            "-c",
            script,
            str(network),
            *words,
            "--model-repository",
            str(tmp_path / "repository"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    assert "outputs are probabilities" in done.stdout


@pytest.mark.triton
def test_triton_serves_it(tmp_path: Path, crops: Path) -> None:
    """A file with its channels first and a batch of 1, on the embedded server, in a batch of three."""
    import tritonclient.grpc as triton

    path = write_onnx(tmp_path / "foreign.onnx", (3, 32, 32), 1, flat=(1, 4))
    side = export(path, crops).crop_shape[0]
    faces = np.random.default_rng(2).integers(0, 256, (3, side, side, 3), dtype=np.uint8)
    request = triton.InferInput("FACES", list(faces.shape), "UINT8")
    request.set_data_from_numpy(faces)

    with (
        embedded_server(tmp_path / "repository") as server,
        triton.InferenceServerClient(server.grpc) as client,
    ):
        served = client.infer("fer", [request]).as_numpy("EXPRESSION")

    inputs = faces.reshape(3, 32, side // 32, 32, side // 32, 3).mean((2, 4)) / 255 * 4
    planes = inputs.transpose(0, 3, 1, 2).astype(np.float32)
    np.testing.assert_allclose(served, expected(pytest.importorskip("onnxruntime"), path, planes), atol=1e-5)


def test_altered_graph_is_refused(tmp_path: Path, crops: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from onnx import numpy_helper

    from fer_export.onnx_network import OnnxNetwork
    from fer_export.parity import ParityError

    unaltered = OnnxNetwork.graph

    def altered(network: OnnxNetwork) -> Any:
        graph = unaltered(network)
        (weight,) = [entry for entry in graph.graph.initializer if entry.name.endswith("matrix")]
        weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight) * np.float32(1.1), weight.name))
        return graph

    monkeypatch.setattr(OnnxNetwork, "graph", altered)
    with pytest.raises(ParityError, match="Nothing was written"):
        export(write_onnx(tmp_path / "foreign.onnx", (3, 32, 32)), crops)
    assert not (tmp_path / "repository").exists()


def test_batch_that_cannot_be_freed_is_one_sentence(onnx: Any, tmp_path: Path, crops: Path) -> None:
    from fer_export.parity import ParityError

    path = write_onnx(tmp_path / "foreign.onnx", (3, 32, 32), 1)
    model = onnx.load(path)
    model.graph.node.insert(3, onnx.helper.make_node("Squeeze", ["means", "axes"], ["single"]))
    model.graph.node[4].input[0] = "single"
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([0]), "axes"))
    onnx.save(model, path)

    with pytest.raises(ParityError, match="fixed batch") as caught:
        export(path, crops)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no network"])
def test_file_that_is_no_network(tmp_path: Path, crops: Path, content: bytes) -> None:
    path = tmp_path / "foreign.onnx"
    path.write_bytes(content)

    with pytest.raises(InputError, match=r"foreign\.onnx could not be read as an ONNX network") as caught:
        export(path, crops)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(2, 32, 32), (32, 32)])
def test_input_of_another_kind(tmp_path: Path, crops: Path, shape: tuple[int, ...]) -> None:
    import onnx
    from onnx import helper

    node = helper.make_node("Flatten", ["x"], ["y"])
    graph = helper.make_graph(
        [node],
        "foreign",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ("n", *shape))],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ("n", "k"))],
    )
    path = tmp_path / "foreign.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)

    with pytest.raises(InputError, match="expected one float32"):
        export(path, crops)


def test_labels_of_another_number(tmp_path: Path, crops: Path) -> None:
    with pytest.raises(UsageError, match="3 outputs but 2 labels"):
        export(write_onnx(tmp_path / "foreign.onnx", (3, 32, 32)), crops, labels=("glad", "not"))

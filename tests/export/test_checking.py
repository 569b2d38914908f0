import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fer_client.contract import LABELS
from fer_client.errors import InputError
from fer_export import versions
from fer_export.repository import write
from support.repositories import built

pytestmark = pytest.mark.keras
onnx = pytest.importorskip("onnx", reason="needs the extra `export`")

COMMITTED = Path(__file__).parents[2] / "model_repository"


STATED = json.dumps(LABELS)
"""Labels as an export writes them into a network."""


def graph(
    taken: str, dtype: int, taken_shape: list[Any], given: str, given_shape: list[Any], labels: str = STATED
) -> bytes:
    """A valid graph of the given signature: it casts, sums everything and spreads the sum."""
    float32 = onnx.TensorProto.FLOAT
    make = onnx.helper.make_node
    shape = onnx.numpy_helper.from_array(onnx.numpy_helper.np.array(given_shape[1:], "int64"), "shape")
    ones = onnx.numpy_helper.from_array(onnx.numpy_helper.np.ones(given_shape[1:], "float32"), "ones")
    axes = onnx.numpy_helper.from_array(onnx.numpy_helper.np.arange(1, len(taken_shape)), "axes")
    keep = onnx.numpy_helper.from_array(onnx.numpy_helper.np.array([-1] + [1] * len(given_shape[1:])), "keep")
    nodes = [
        make("Cast", [taken], ["cast"], to=float32),
        make("ReduceSum", ["cast", "axes"], ["sum"], keepdims=0),
        make("Reshape", ["sum", "keep"], ["column"]),
        make("Mul", ["column", "ones"], [given]),
    ]
    made = onnx.helper.make_graph(
        nodes,
        "test",
        [onnx.helper.make_tensor_value_info(taken, dtype, taken_shape)],
        [onnx.helper.make_tensor_value_info(given, float32, given_shape)],
        [shape, ones, axes, keep],
    )
    model = onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=8)
    onnx.helper.set_model_props(model, {"labels": labels})
    return bytes(model.SerializeToString())


def preprocess(side: int = 96, batch: Any = "batch") -> bytes:
    return graph("FACES", onnx.TensorProto.UINT8, [batch, side, side, 1], "NETWORK_INPUT", [batch, 48, 48, 1])


def expression(taken: str = "NETWORK_INPUT", labels: str = STATED) -> bytes:
    given = ["batch", len(LABELS)]
    return graph(taken, onnx.TensorProto.FLOAT, ["batch", 48, 48, 1], "EXPRESSION", given, labels)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    write(built(preprocess(), expression()), tmp_path)
    return tmp_path


def problems(repository: Path) -> str:
    from fer_export.checking import check

    return "\n".join(check(repository).problems)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_whole_repository_fits(repository: Path) -> None:
    from fer_export.checking import check

    checked = check(repository)

    assert checked.problems == []
    assert checked.models == {
        "expression": "onnxruntime",
        "face_preprocess": "onnxruntime",
        "fer": "ensemble",
    }
    assert checked.contract is not None
    assert checked.contract.labels == LABELS


def test_committed_repository_fits() -> None:
    from fer_export.checking import check

    checked = check(COMMITTED)

    assert checked.problems == []
    assert checked.contract is not None
    assert checked.contract.labels == LABELS
    assert checked.contract.crop_shape == (96, 96, 1)
    assert checked.contract.has_valence_arousal
    assert "not measured against people's ratings" in checked.contract.affect_statement


def test_committed_graphs_say_where_they_come_from() -> None:
    for name in ("face_preprocess", "expression"):
        model = onnx.load(COMMITTED / name / "1/model.onnx")
        metadata = {entry.key: entry.value for entry in model.metadata_props}

        assert {"architecture", "data", "metrics", "temperature", "input_range", "versions"} <= set(metadata)
        assert len(metadata["weights_sha256"]) == 64
        assert not [value for value in metadata.values() if '"/' in value or value.startswith("/")]


@pytest.mark.parametrize(
    ("file", "old", "new", "found"),
    [
        ("fer", 'name: "fer"', 'name: "fer"\nbatches: 3', "Triton could not read"),
        ("expression", 'name: "expression"', 'name: "emotion"', "names the model emotion"),
        ("expression", "dims: 7", "dims: 8", "declares output EXPRESSION FP32 [8]"),
        ("expression", "TYPE_FP32", "TYPE_FP16", "declares input NETWORK_INPUT FP16"),
        ("expression", "max_batch_size: 64", "max_batch_size: 32", "takes 32 at a time, not 64"),
        ("expression", "max_batch_size: 64", "", "max_batch_size is 0"),
        (
            "face_preprocess",
            "dims: 96",
            "dims: 64",
            "takes FACES UINT8 [64, 64, 1], gets FACES UINT8 [96, 96, 1]",
        ),
        ("face_preprocess", 'backend: "onnxruntime"', "", "names no backend"),
        ("expression", 'backend: "onnxruntime"', 'backend: "tensorrt"', "has no 1/model.plan"),
        ("fer", 'model_name: "expression"', 'model_name: "emotion"', "emotion is not among the models"),
        ("fer", 'key: "EXPRESSION"', 'key: "PROBS"', "maps other tensors"),
        ("fer", "dims: 7", "dims: 6", "expected EXPRESSION as FP32 [batch, 7]"),
        ("fer", "fear", "joy", "clients read the labels angry, disgust, joy"),
    ],
)
def test_faults_of_a_configuration(repository: Path, file: str, old: str, new: str, found: str) -> None:
    edit(repository / file / "config.pbtxt", old, new)

    assert found in problems(repository)


@pytest.mark.parametrize(
    ("file", "content", "found"),
    [
        ("face_preprocess/1/model.onnx", preprocess(side=80), "onnx has FACES UINT8 [80, 80, 1]"),
        ("face_preprocess/1/model.onnx", preprocess(batch=1), "has a fixed batch"),
        ("expression/1/model.onnx", expression(taken="input_1"), "onnx has input_1 FP32 [48, 48, 1]"),
        ("expression/1/model.onnx", b"not a graph", "is no valid ONNX file"),
        ("fer/labels.txt", b"angry\nhappy\n", "fer/labels.txt has angry, happy"),
        ("fer/labels.txt", "wütend\nfröhlich\n".encode("latin-1"), "fer/labels.txt has w\ufffdtend"),
        ("expression/1/model.onnx", expression(labels="angry,happy"), "of expression has angry,happy"),
        ("expression/1/model.onnx", expression(labels='{"0": "angry"}'), 'of expression has {"0": "angry"}'),
    ],
)
def test_faults_of_a_file(repository: Path, file: str, content: bytes, found: str) -> None:
    (repository / file).write_bytes(content)

    assert found in problems(repository)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("expression/1/model.onnx", "expression: has no 1/model.onnx"),
        ("expression/config.pbtxt", "expression: has no config.pbtxt"),
        ("fer/labels.txt", "fer/labels.txt has none"),
        ("fer/1", "fer: has no version folder"),
        ("face_preprocess", "step face_preprocess is not among the models"),
    ],
)
def test_missing_parts(repository: Path, path: str, found: str) -> None:
    target = repository / path
    shutil.rmtree(target) if target.is_dir() else target.unlink()

    assert found in problems(repository)


def test_versions_that_do_not_belong_together(repository: Path) -> None:
    before = (repository / "expression/config.pbtxt").read_text()
    versions.add(built(preprocess(), expression(), version=2), 2, repository, True)
    assert problems(repository) == ""

    (repository / "expression/config.pbtxt").write_text(before)
    edit(
        repository / "expression/config.pbtxt",
        "max_batch_size",
        "version_policy { specific { versions: 1 } }\nmax_batch_size",
    )
    assert "expression: serves version 1, fer version 2: activate one" in problems(repository)

    shutil.rmtree(repository / "face_preprocess/2")
    assert "face_preprocess: config.pbtxt serves version 2, and has no folder 2/" in problems(repository)


def test_folder_without_a_repository(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no model repository"):
        problems(tmp_path)

"""Every target and precision: what is written for it, how it is compared, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.errors import FerError, InputError, UsageError
from fer_export.repository import parse_config
from support.onnx_models import write_onnx
from support.prepared_data import write_data
from support.repositories import snapshot
from support.trtexec import write_trtexec

pytestmark = [pytest.mark.keras, pytest.mark.usefixtures("onnx", "ort")]

LABELS = ("glad", "sad", "other")
SIDE = 32


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return write_onnx(tmp_path / "foreign.onnx", (1, SIDE, SIDE), flat=(-1, 16), width=16)


@pytest.fixture
def pictures() -> np.ndarray:
    """Noise of many brightnesses, on which the network tells all classes."""
    rng = np.random.default_rng(3)
    return (rng.integers(0, 256, (400, SIDE, SIDE)) * rng.uniform(0.05, 1, (400, 1, 1))).astype(np.uint8)


@pytest.fixture
def crops(tmp_path: Path, pictures: np.ndarray) -> Path:
    np.save(tmp_path / "faces.npy", pictures[:40])
    return tmp_path / "faces.npy"


def export(weights: Path, crops: Path, **options: Any) -> Any:
    from fer_export.exporting import export as export_network
    from fer_export.settings import ExportSettings

    options = {"labels": LABELS, "input_range": (-2.0, 2.0), "crops": crops, "crop_side": SIDE} | options
    return export_network(ExportSettings(weights, weights.parent / "repository", **options))


def config(repository: Path, model: str = "expression") -> Any:
    return parse_config((repository / model / "config.pbtxt").read_text())


def ask(repository: Path, pictures: np.ndarray, version: int = 1) -> np.ndarray:
    from fer_export.parity import served_answers, served_inputs

    files = {
        name: (repository / name / str(version) / "model.onnx").read_bytes()
        for name in ("face_preprocess", "expression")
    }
    return served_answers(files, served_inputs(files, pictures[..., None]))["EXPRESSION"]


def test_half_weights_take_half_the_room(weights: Path, crops: Path, pictures: np.ndarray) -> None:
    full = export(weights, crops)
    half = export(weights, crops, precision="fp16")

    repository = weights.parent / "repository"
    assert half.version == 2
    assert half.graphs["expression"].size_bytes < full.graphs["expression"].size_bytes
    assert 0 < half.difference.size < 1e-2
    np.testing.assert_allclose(ask(repository, pictures, 2), ask(repository, pictures), atol=1e-2)
    parameters = config(repository / "..", "repository/expression/2").parameters
    assert parameters["precision"].string_value == "fp16"


def test_int8_is_judged_and_says_so(
    onnx: Any, weights: Path, crops: Path, tmp_path: Path, pictures: np.ndarray
) -> None:
    export(weights, crops)
    repository = weights.parent / "repository"
    answers = ask(repository, pictures)
    sure = answers.max(axis=1) >= np.median(answers.max(axis=1))
    data = write_data(tmp_path / "data", LABELS, pictures, pictures[sure], answers[sure].argmax(axis=1))

    report = export(weights, crops, precision="int8", data=data, activate=True)

    assert report.judged.by_precision["fp32"].labels == 1
    assert report.judged.by_precision["int8"].labels >= 0.997
    assert 0 < report.difference.size <= 0.25
    recorded = json.loads(config(repository, "fer").parameters["accuracy"].string_value)
    assert recorded["data"] == "drawn PublicTest"
    assert recorded["int8"]["images"] == int(sure.sum())
    graph = onnx.load(repository / "expression/2/model.onnx").graph
    kinds = [node.op_type for node in graph.node]
    assert "QuantizeLinear" in kinds
    last = next(node for node in graph.node if node.op_type == "MatMul")
    assert last.input[1] in {
        weight.name for weight in graph.initializer if weight.data_type == onnx.TensorProto.FLOAT
    }


def test_int8_that_loses_too_much_is_refused(
    weights: Path, crops: Path, tmp_path: Path, pictures: np.ndarray
) -> None:
    """Judged by pictures between two classes alone, in steps so small that INT8 cannot tell them all."""
    export(weights, crops)
    repository = weights.parent / "repository"
    chosen = ask(repository, pictures).argmax(axis=1)
    steps = np.linspace(0, 1, 2000)[:, None, None]
    one, other = pictures[0], pictures[chosen != chosen[0]][0]
    between = ((1 - steps) * one + steps * other).astype(np.uint8)
    full = ask(repository, between).argmax(axis=1)
    edge = int((full != full[0]).argmax())
    near = slice(edge - 30, edge + 30)
    data = write_data(tmp_path / "data", LABELS, pictures, between[near], full[near])
    before = snapshot(repository)

    with pytest.raises(FerError, match=r"int8 is right on .* of PublicTest, fp32 on 100\.00%") as caught:
        export(weights, crops, precision="int8", data=data)

    assert caught.value.exit_code == 5
    assert snapshot(repository) == before


def test_int8_without_data_is_refused(weights: Path, crops: Path) -> None:
    with pytest.raises(UsageError, match="--data"):
        export(weights, crops, precision="int8")


def test_data_of_other_classes_is_refused(
    weights: Path, crops: Path, tmp_path: Path, pictures: np.ndarray
) -> None:
    data = write_data(tmp_path / "data", LABELS, pictures[:5], pictures[:5], np.zeros(5))

    with pytest.raises(InputError, match="has the labels glad, sad, other, the network calm, sad, other"):
        export(weights, crops, labels=("calm", "sad", "other"), data=data)


@pytest.mark.parametrize(("target", "precision"), [("tensorrt", "int8"), ("onnxruntime-openvino", "fp16")])
def test_precision_that_a_target_lacks(weights: Path, crops: Path, target: str, precision: str) -> None:
    with pytest.raises(UsageError, match=f"{target} does not compute in {precision}: give --precision fp32"):
        export(weights, crops, target=target, precision=precision)


def test_accelerator_of_tensorrt(weights: Path, crops: Path) -> None:
    report = export(weights, crops, target="onnxruntime-tensorrt", precision="fp16", optimum=16)

    assert not report.is_compared
    made = config(weights.parent / "repository")
    (accelerator,) = made.optimization.execution_accelerators.gpu_execution_accelerator
    assert accelerator.name == "tensorrt"
    assert dict(accelerator.parameters) == {
        "precision_mode": "FP16",
        "trt_profile_min_shapes": "NETWORK_INPUT:1x32x32x1",
        "trt_profile_opt_shapes": "NETWORK_INPUT:16x32x32x1",
        "trt_profile_max_shapes": "NETWORK_INPUT:64x32x32x1",
    }
    assert made.backend == "onnxruntime"


def test_accelerator_of_openvino(weights: Path, crops: Path) -> None:
    from fer_export.checking import check

    export(weights, crops, target="onnxruntime-openvino")

    made = config(weights.parent / "repository")
    (accelerator,) = made.optimization.execution_accelerators.cpu_execution_accelerator
    assert accelerator.name == "openvino"
    checked = check(weights.parent / "repository")
    assert checked.problems == []
    assert checked.models["expression"] == "onnxruntime-openvino in fp32"


def test_plan_is_compared_recorded_and_a_version(weights: Path, crops: Path, tmp_path: Path) -> None:
    from fer_export.checking import check

    export(weights, crops)
    report = export(
        weights,
        crops,
        target="tensorrt",
        precision="fp16",
        trtexec=str(write_trtexec(tmp_path, error=0.003)),
        activate=True,
    )

    repository = weights.parent / "repository"
    assert (report.version, report.active, report.is_compared) == (2, 2, True)
    assert report.difference.size == pytest.approx(0.003, abs=1e-4)
    made = config(repository)
    assert made.backend == "tensorrt"
    assert [(group.count, list(group.profile)) for group in made.instance_group] == [(1, ["0"]), (1, ["1"])]
    assert {key: value.string_value for key, value in made.parameters.items()} == {
        "plan_compute_capability": "9.0",
        "plan_gpu": "NVIDIA H200",
        "plan_tensorrt": "10.6.0",
        "precision": "fp16",
        "target": "tensorrt",
    }
    assert (repository / "expression/2/model.plan").is_file()
    checked = check(repository)
    assert checked.problems == []
    assert (checked.active, checked.versions) == (2, [1, 2])


@pytest.mark.parametrize(("precision", "error"), [("fp32", 0.003), ("fp16", 0.02)])
def test_plan_that_answers_otherwise_is_not_written(
    weights: Path, crops: Path, tmp_path: Path, precision: str, error: float
) -> None:
    export(weights, crops)
    before = snapshot(weights.parent / "repository")

    with pytest.raises(FerError, match=r"Nothing was written.*another version of TensorRT") as caught:
        export(
            weights,
            crops,
            target="tensorrt",
            precision=precision,
            trtexec=str(write_trtexec(tmp_path, error=error)),
        )

    assert caught.value.exit_code == 5
    assert snapshot(weights.parent / "repository") == before


def test_graph_of_an_old_operator_set_is_not_quantised(
    onnx: Any, weights: Path, crops: Path, tmp_path: Path, pictures: np.ndarray
) -> None:
    model = onnx.load(weights)
    model.opset_import[0].version = 12
    onnx.save(model, weights)
    data = write_data(tmp_path / "data", LABELS, pictures[:5], pictures[:5], np.zeros(5))

    with pytest.raises(InputError, match="operator set 12, and INT8 needs 13"):
        export(weights, crops, precision="int8", data=data)

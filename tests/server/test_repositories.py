"""A model repository fitted to this machine."""

import os
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc as triton
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelInstanceGroup

from fer_server import repositories
from fer_server.cli import default_repository
from support.embedded_server import embedded_server
from support.onnx_models import write_double
from support.triton_calls import infer

CPU, GPU, AUTO = (ModelInstanceGroup.Kind.Value(f"KIND_{name}") for name in ("CPU", "GPU", "AUTO"))


ONNX = 'name: "a"\nbackend: "onnxruntime"\n'


def groups(text: str, count: int = 3) -> list[tuple[int, int]]:
    """Count and kind of each group, as protobuf reads the text that `fit_config` gives."""
    config = text_format.Parse(repositories.fit_config(text, count), ModelConfig())
    return [(group.count, group.kind) for group in config.instance_group]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", [(0, CPU)]),
        ("instance_group { count: 2 }", [(3, CPU)]),
        ("instance_group { count: 1 }", [(1, CPU)]),
        ("instance_group: < count : 2 >", [(3, CPU)]),
        ("instance_group [ { count: 2 }, { count: 1 name: 'kind: KIND_GPU' } ]", [(3, CPU), (1, CPU)]),
        ("instance_group { # kind: KIND_GPU }\n count: 5 }", [(3, CPU)]),
        ("instance_group { } dynamic_batching { }", [(0, CPU)]),
        ('parameters { key: "kind" value { string_value: "\\"{" } } instance_group { count: 2 }', [(3, CPU)]),
        (
            "input { name: 'count' data_type: TYPE_FP32 dims: [ 2, 3 ] } instance_group { count: 2 }",
            [(3, CPU)],
        ),
    ],
)
def test_groups_without_a_kind_run_on_processors(written: str, expected: list[tuple[int, int]]) -> None:
    assert groups(ONNX + written) == expected


@pytest.mark.parametrize(
    "written",
    [
        "instance_group { count: 2 kind: KIND_GPU }",
        "instance_group [ { gpus: [ 0, 1 ] count: 2 }, { count: 1 } ]",
        "instance_group { kind: KIND_AUTO count: 7 }",
    ],
)
def test_what_the_user_chose_stays(written: str) -> None:
    assert repositories.fit_config(ONNX + written, 3) == ONNX + written


@pytest.mark.parametrize(
    "text", ['backend: "python" instance_group { count: 2 }', 'platform: "ensemble"', ""]
)
def test_models_of_other_backends_stay(text: str) -> None:
    assert repositories.fit_config(text, 3) == text


def test_all_else_of_the_shipped_configurations_stays() -> None:
    for path in default_repository().glob("*/config.pbtxt"):
        before = text_format.Parse(path.read_text(), ModelConfig())
        after = text_format.Parse(repositories.fit_config(path.read_text(), 3), ModelConfig())
        if before.backend:
            assert {group.kind for group in before.instance_group} == {AUTO}
            assert {group.kind for group in after.instance_group} == {CPU}
        for config in (before, after):
            config.ClearField("instance_group")
        assert after == before


def test_the_fitted_folder_links_all_but_the_changed_configurations(tmp_path: Path) -> None:
    models = tmp_path / "models"
    for name, text in {"net": ONNX, "other": 'backend: "python"', "broken": "}" + ONNX}.items():
        (models / name / "1").mkdir(parents=True)
        (models / name / "config.pbtxt").write_text(text)
    fitted = repositories.fit([str(models), "s3://bucket/models"], tmp_path / "scratch", 3)
    assert list(fitted) == [str(models), "s3://bucket/models"]
    assert fitted["s3://bucket/models"] == "s3://bucket/models"
    folder = Path(fitted[str(models)])
    assert "KIND_CPU" in (folder / "net" / "config.pbtxt").read_text()
    assert (folder / "net" / "1").resolve() == models / "net" / "1"
    for name in ("other", "broken"):
        assert (folder / name).resolve() == models / name
    assert (models / "net" / "config.pbtxt").read_text() == ONNX


def test_a_repository_without_changes_serves_itself(tmp_path: Path) -> None:
    (tmp_path / "models" / "other").mkdir(parents=True)
    fitted = repositories.fit([str(tmp_path / "models")], tmp_path / "scratch", 3)
    assert list(fitted.values()) == [str(tmp_path / "models")]
    assert not (tmp_path / "scratch").exists()


def test_instances_follow_the_processors_up_to_what_a_client_asks_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = []
    for cores in (1, 2, 64):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, cores=cores: set(range(cores)))
        found.append(repositories.instances())
    assert found == [1, 2, 4]


@pytest.mark.triton
def test_models_without_a_kind_run_on_processors(tmp_path: Path) -> None:
    folder = write_double(tmp_path, "instance_group { count: 2 }")
    with embedded_server(tmp_path) as running, triton.InferenceServerClient(running.grpc) as client:
        (group,) = client.get_model_config("double").config.instance_group
        assert infer(client, "double", X=np.ones((1, 4), np.float32))["Y"].tolist() == [[2, 2, 2, 2]]
    assert group.kind == group.Kind.Value("KIND_CPU")
    assert group.count == min(4, len(os.sched_getaffinity(0)))
    assert "KIND" not in (folder / "config.pbtxt").read_text()

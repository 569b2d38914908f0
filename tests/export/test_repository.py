import json
from pathlib import Path

import pytest

from fer_client.contract import LABELS, read_contract
from fer_client.errors import InputError
from fer_export.repository import config_json, parse_config, write
from support.repositories import built, snapshot

COMMITTED = Path(__file__).parents[2] / "model_repository"


def files(mark: bytes = b"onnx", affect: str = "") -> dict[str, bytes]:
    return built(mark, mark, affect, architecture="small")


def test_configs_parse_as_triton_reads_them() -> None:
    configs = {path: parse_config(content.decode()) for path, content in files().items() if "config" in path}

    assert {config.name for config in configs.values()} == {"fer", "face_preprocess", "expression"}
    for path, config in configs.items():
        assert path == f"{config.name}/config.pbtxt"
        assert config.backend == ("" if config.name == "fer" else "onnxruntime")
        assert config.max_batch_size == 64


def test_computing_models_batch_and_warm_up() -> None:
    config = parse_config(files()["expression/config.pbtxt"].decode())

    policy = config.dynamic_batching.default_queue_policy
    assert (policy.max_queue_size, policy.default_timeout_microseconds) == (128, 10_000_000)
    assert policy.allow_timeout_override
    assert [warmup.batch_size for warmup in config.model_warmup] == [1, 64]
    assert list(config.model_warmup[0].inputs["NETWORK_INPUT"].dims) == [48, 48, 1]
    assert config.instance_group[0].count == 2
    assert config.parameters["intra_op_thread_count"].string_value == "1"


def test_the_committed_models_wait_as_exported_ones_do() -> None:
    exported = parse_config(files()["expression/config.pbtxt"].decode()).dynamic_batching
    for name in ("face_preprocess", "expression"):
        committed = parse_config((COMMITTED / name / "config.pbtxt").read_text())
        assert committed.dynamic_batching == exported


def test_ensemble_fits_the_contract() -> None:
    config = parse_config(files()["fer/config.pbtxt"].decode())
    metadata = {
        "inputs": [{"name": "FACES", "datatype": "UINT8", "shape": [-1, *config.input[0].dims]}],
        "outputs": [{"name": "EXPRESSION", "datatype": "FP32", "shape": [-1, *config.output[0].dims]}],
    }

    contract = read_contract(metadata, config_json(config))

    assert contract.labels == LABELS
    assert contract.crop_shape == (96, 96, 1)
    assert config.parameters["architecture"].string_value == "small"
    assert json.loads(config.parameters["labels"].string_value) == list(LABELS)
    assert files()["fer/labels.txt"].decode().splitlines() == list(LABELS)
    assert files()["fer/1/.gitkeep"] == b""


@pytest.mark.parametrize("affect", ["expression", "valence_arousal"])
def test_valence_and_arousal_come_from_the_network_or_one_of_their_own(affect: str) -> None:
    written = files(affect=affect)
    ensemble = parse_config(written["fer/config.pbtxt"].decode())
    model = parse_config(written[f"{affect}/config.pbtxt"].decode())

    assert [(output.name, list(output.dims)) for output in ensemble.output] == [
        ("EXPRESSION", [7]),
        ("VALENCE_AROUSAL", [2]),
    ]
    assert [output.label_filename for output in ensemble.output] == ["labels.txt", ""]
    assert "VALENCE_AROUSAL" in [output.name for output in model.output]
    assert [tensor.name for tensor in model.input] == ["NETWORK_INPUT"]
    steps = {step.model_name: dict(step.output_map) for step in ensemble.ensemble_scheduling.step}
    assert steps[affect]["VALENCE_AROUSAL"] == "VALENCE_AROUSAL"
    assert ("valence_arousal" in steps) == (affect == "valence_arousal")


def test_a_model_that_is_no_longer_asked_goes(tmp_path: Path) -> None:
    write(files(affect="valence_arousal"), tmp_path)
    assert (tmp_path / "valence_arousal/1/model.onnx").is_file()

    write(files(), tmp_path)

    assert snapshot(tmp_path) == files()


def test_unknown_field_is_refused() -> None:
    with pytest.raises(ValueError, match="max_batch_sizes"):
        parse_config("max_batch_sizes: 3")


def test_writing_replaces_models_and_keeps_others(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "repository"
    write(files(b"old"), directory)
    (directory / "expression/2").mkdir()
    (directory / "other").mkdir()
    (directory / "other/config.pbtxt").write_text("kept")

    write(files(b"new"), directory)

    assert snapshot(directory) == files(b"new") | {"other/config.pbtxt": b"kept"}
    assert sorted(path.name for path in directory.iterdir()) == [
        "expression",
        "face_preprocess",
        "fer",
        "other",
    ]


def test_failed_swap_restores_the_old_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(files(b"old"), tmp_path)
    rename = Path.rename

    def fails_late(source: Path, target: Path) -> Path:
        if source.parent.name == "new" and source.name == "fer":
            raise OSError(28, "No space left on device")
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", fails_late)
    with pytest.raises(InputError, match="No space left on device"):
        write(files(b"new"), tmp_path)

    assert snapshot(tmp_path) == files(b"old")


def test_place_that_is_a_file_is_refused(tmp_path: Path) -> None:
    occupied = tmp_path / "repository"
    occupied.write_text("mine")

    with pytest.raises(InputError, match="--model-repository"):
        write(files(), occupied)

    assert occupied.read_text() == "mine"

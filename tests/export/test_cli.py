"""The command: its help, what it writes and what it refuses."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.contract import LABELS
from fer_export.cli import COMMANDS, main
from fer_export.repository import write as write_files
from support.repositories import built, snapshot

ROOT = Path(__file__).parents[2]
keras_tier = [
    pytest.mark.keras,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command sets TensorFlow's variables; take them away again afterwards."""
    for name in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
        if not os.environ[name]:
            monkeypatch.delenv(name)


def test_help_shows_the_main_use_and_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    shown = capsys.readouterr().out
    assert "fer-export [OPTIONS] {WEIGHTS}" in shown
    for word in (
        "--labels",
        "--input-range",
        "--overwrite",
        "--trust",
        "--target",
        "`fer-export check`",
        "`fer-export activate`",
        "`fer-export plan`",
    ):
        assert word in shown


@pytest.mark.parametrize("command", ["check", "activate", "plan"])
def test_help_of_a_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command, "--help") == 0
    assert f"fer-export {command} [OPTIONS]" in capsys.readouterr().out


def test_help_and_check_need_no_tensorflow() -> None:
    script = "import sys; from fer_export import cli; assert not {'tensorflow', 'keras', 'onnx'} & set(sys.modules)"

    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_missing_extra_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name == "fer_export.checking"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)

    assert run("check") == 2
    assert "make install" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["a.keras", "--output", "scores"], ["a.keras", "--max-batch-size", "0"], ["a.keras", "--nonsense"]],
)
def test_wrong_option(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 2
    assert arguments[1] in capsys.readouterr().err


@pytest.mark.keras
@pytest.mark.usefixtures("onnx")
def test_check_says_in_words_that_nothing_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("check", tmp_path) == 3
    assert "is no model repository" in capsys.readouterr().err


@pytest.mark.usefixtures("environment")
class TestWrite:
    pytestmark = keras_tier

    def test_from_weights_to_a_checked_repository(
        self,
        onnx: Any,
        ort: Any,
        weights: Path,
        tmp_path: Path,
        small_network: Any,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        repository = tmp_path / "repository"

        assert run(weights, "--model-repository", repository) == 0
        told = capsys.readouterr().out
        assert "96x96x1 crops in, angry" in told
        assert "small.keras, whose outputs are logits, differ by" in told
        assert "288 real crops" in told or "576 real crops" in told
        assert re.search(r"^grace_hopper\.jpg: \w+ \d+%$", told, re.M)
        assert run("check", repository, "--weights", weights) == 0
        told = capsys.readouterr().out
        assert "fits the contract" in told
        assert "288 crops, against small.keras" in told or "576 crops" in told
        assert re.search(r"ONNX Runtime: EXPRESSION differs by at most \S+e-0\d, .* 100\.00%\.$", told, re.M)

        first, second = (
            ort.InferenceSession(repository / name / "1/model.onnx", providers=["CPUExecutionProvider"])
            for name in ("face_preprocess", "expression")
        )
        faces = np.random.default_rng(0).integers(0, 256, (5, 96, 96, 1), dtype=np.uint8)
        (inputs,) = first.run(["NETWORK_INPUT"], {"FACES": faces})
        (answer,) = second.run(["EXPRESSION"], {"NETWORK_INPUT": inputs})
        logits = (
            small_network.predict(faces.reshape(5, 48, 2, 48, 2, 1).mean((2, 4)) / 127.5 - 1, verbose=0) / 0.5
        )
        np.testing.assert_allclose(answer, np.exp(logits) / np.exp(logits).sum(1, keepdims=True), atol=1e-4)

        told_by_file = metadata(onnx, snapshot(repository))
        assert json.loads(told_by_file["labels"]) == list(LABELS)
        assert json.loads(told_by_file["versions"]).keys() == {"keras", "tensorflow", "tf2onnx"}
        assert told_by_file["architecture"] == "small"
        assert str(tmp_path) not in str(snapshot(repository))

    def test_foreign_colour_network(
        self, keras: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        layers = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3, activation="softmax")]
        keras.Sequential([keras.Input((64, 64, 3)), *layers]).save(tmp_path / "colour.keras")
        faces = np.random.default_rng(0).integers(0, 256, (9, 80, 80, 3), dtype=np.uint8)
        np.save(tmp_path / "faces.npy", faces // np.arange(1, 10, dtype=np.uint8)[:, None, None, None])

        status = run(
            *("write", tmp_path / "colour.keras", "--labels", "glad,sad,other", "--input-range", "0", "1"),
            *("--crops", tmp_path / "faces.npy", "--crop-side", "100"),
            *("--model-repository", tmp_path / "repository"),
        )

        assert status == 0
        told = capsys.readouterr().out
        assert "outputs are probabilities" in told
        assert "on 9 real crops" in told
        assert re.search(r"^faces\.npy\[0\]: \w+ \d+%$", told, re.M)
        assert run("check", tmp_path / "repository") == 0
        assert "100x100x3 crops, up to 64 at a time, 3 labels (glad, sad, other)" in capsys.readouterr().out

    def test_altered_graph_leaves_the_old_repository(
        self,
        onnx: Any,
        weights: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        from fer_export import network as keras_network

        repository = tmp_path / "repository"
        write_files(built(b"old", b"old"), repository)
        before = snapshot(repository)
        convert = keras_network.expression_graph

        def altered(network: Any, affect: Any) -> Any:
            graph = convert(network, affect)
            weight = next(entry for entry in graph.graph.initializer if entry.name.startswith("Conv_1."))
            values = onnx.numpy_helper.to_array(weight) * np.float32(1.01)
            weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
            return graph

        monkeypatch.setattr(keras_network, "expression_graph", altered)
        assert run(weights, "--model-repository", repository, "--max-batch-size", "8", "--overwrite") == 5
        assert "Nothing was written, because the exported network differs" in capsys.readouterr().err
        assert snapshot(repository) == before

    @pytest.mark.parametrize(
        ("break_it", "status", "told"),
        [
            (lambda path: path.unlink(), 3, "There is no file"),
            (lambda path: [path.unlink(), path.with_suffix(".json").unlink()], 3, "There is no file"),
            (lambda path: path.write_text("no network"), 3, "could not be read as a Keras network"),
            (lambda path: path.with_suffix(".json").unlink(), 2, "give --labels"),
            (lambda path: path.with_suffix(".json").write_text("{"), 3, "cannot be used"),
        ],
    )
    def test_bad_input(
        self, weights: Path, break_it: Any, status: int, told: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        break_it(weights)

        assert run(weights, "--model-repository", weights.parent / "repository") == status
        error = capsys.readouterr().err
        assert told in error
        assert error.count("\n") == 1
        assert not (weights.parent / "repository").exists()

    def test_labels_of_another_number(self, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("--labels", "glad, sad", weights, "--model-repository", weights.parent / "repository") == 2
        assert "7 outputs but 2 labels were given (glad, sad)" in capsys.readouterr().err

    def test_export_again_is_a_version_and_overwriting_gives_the_same_bytes(
        self,
        weights: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.chdir(tmp_path)
        repository = tmp_path / "small_repository"
        assert run(weights) == 0
        before = snapshot(repository)
        capsys.readouterr()

        assert run(weights, "--max-batch-size", "8") == 0
        assert "Version 1 goes on serving: fer-export activate 2 small_repository" in capsys.readouterr().out
        assert run("check", repository) == 0
        told = capsys.readouterr().out
        assert "up to 64 at a time" in told
        assert "Version 1 of 1, 2 serves." in told

        assert run("activate", "2", repository) == 0
        assert f"fer-export activate 1 {repository} goes back" in capsys.readouterr().out
        assert run("check", repository) == 0
        assert "up to 8 at a time" in capsys.readouterr().out

        assert run(weights, "--overwrite") == 0
        assert snapshot(repository) == before

    def test_range_that_leaves_all_crops_alike_is_refused(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        network = ROOT / "training/weights/mini_xception.keras"

        status = run(network, "--input-range", "0", "0.004", "--model-repository", tmp_path / "repository")

        assert status == 2
        assert "288 differing crops alike" in (told := capsys.readouterr().err)
        assert "--input-range" in told
        assert not (tmp_path / "repository").exists()

    def test_range_that_makes_all_answers_certain_is_told(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        network = ROOT / "training/weights/mini_xception.keras"

        assert run(network, "--model-repository", tmp_path / "right") == 0
        assert "--input-range" not in capsys.readouterr().err
        assert run(network, "--input-range", "0", "255", "--model-repository", tmp_path / "wrong") == 0
        assert "check --input-range" in capsys.readouterr().err

    def test_folder_that_cannot_be_written(self, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(weights, "--model-repository", weights) == 3
        assert "could not be written" in capsys.readouterr().err
        assert weights.is_file()

    def test_committed_repository_is_what_the_committed_weights_give(self, onnx: Any, tmp_path: Path) -> None:
        """Fails when the record of the shipped network changes and nobody exports it again."""
        before = snapshot(ROOT / "model_repository")
        (weights,) = [
            path for path in (ROOT / "training/weights").glob("*.keras") if is_origin(onnx, before, path)
        ]

        beside = weights.with_name(f"{weights.stem}_valence_arousal.keras")
        options = ("--valence-arousal", beside, "--model-repository", tmp_path / "repository")
        assert run(weights, *options) == 0

        if versions(onnx, snapshot(tmp_path / "repository")) != versions(onnx, before):
            pytest.skip(
                "the committed repository was written with other versions of Keras, TensorFlow or tf2onnx"
            )
        after = snapshot(tmp_path / "repository")
        network = "expression/1/model.onnx"
        assert without_weights(onnx, after.pop(network)) == without_weights(onnx, before[network])
        for one, other in zip(
            weights_of(onnx, (tmp_path / "repository" / network).read_bytes()),
            weights_of(onnx, before.pop(network)),
            strict=True,
        ):
            # TensorFlow folds the normalisations, and sums in another order where the processor has other instructions.
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
        assert after == before


def weights_of(onnx: Any, data: bytes) -> list[Any]:
    return [onnx.numpy_helper.to_array(one) for one in onnx.load_from_string(data).graph.initializer]


def without_weights(onnx: Any, data: bytes) -> bytes:
    model = onnx.load_from_string(data)
    for one in model.graph.initializer:
        if one.data_type == onnx.TensorProto.FLOAT:
            one.ClearField("raw_data")
    return bytes(model.SerializeToString(deterministic=True))


def metadata(onnx: Any, repository: dict[str, bytes]) -> dict[str, str]:
    model = onnx.load_from_string(repository["expression/1/model.onnx"])
    return {entry.key: entry.value for entry in model.metadata_props}


def is_origin(onnx: Any, repository: dict[str, bytes], weights: Path) -> bool:
    return metadata(onnx, repository)["weights_sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()


def versions(onnx: Any, repository: dict[str, bytes]) -> str:
    return metadata(onnx, repository)["versions"]


@pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS)])
def test_short_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*words, "-h"])
    assert not ended.value.code
    assert "Usage: fer-export" in capsys.readouterr().out


def test_check_says_that_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    assert run("check", ROOT / "model_repository", "--url", "127.0.0.1:1") == 4
    told = capsys.readouterr().err
    assert "at 127.0.0.1:1: nobody answers there" in told
    assert "embedded" not in told

"""Triton's configurations, built as protobuf, and the files of the model repository around them."""

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf import json_format, text_format  # type: ignore[import-untyped]
from tritonclient.grpc.model_config_pb2 import TYPE_FP32, TYPE_UINT8, ModelConfig, ModelInput, ModelOutput

from fer_client.contract import EXPRESSION, FACES, MODEL
from fer_client.errors import InputError, UsageError

NETWORK_INPUT = "NETWORK_INPUT"
"""Tensor between the models `face_preprocess` and `expression`."""

PREPROCESS_MODEL = "face_preprocess"
EXPRESSION_MODEL = "expression"
CONFIG = "config.pbtxt"
LABELS = "labels.txt"
ONNX = "1/model.onnx"
PLAN = "1/model.plan"

MODELS = (PREPROCESS_MODEL, EXPRESSION_MODEL, MODEL)
"""Every model that an export writes."""

INSTANCES = {PREPROCESS_MODEL: 1, EXPRESSION_MODEL: 2}
"""Two cores: an instance is a process on the embedded server and a thread on native Triton."""


def build(
    preprocess_onnx: bytes,
    expression_onnx: bytes,
    crop_shape: Sequence[int],
    input_shape: Sequence[int],
    labels: Sequence[str],
    max_batch_size: int,
    provenance: Mapping[str, str],
) -> dict[str, bytes]:
    """Every file of the repository by its path inside; `provenance` becomes parameters of the ensemble."""
    classes = [len(labels)]
    configs = {
        PREPROCESS_MODEL: onnx_config(
            PREPROCESS_MODEL,
            ModelInput(name=FACES, data_type=TYPE_UINT8, dims=crop_shape),
            ModelOutput(name=NETWORK_INPUT, data_type=TYPE_FP32, dims=input_shape),
            max_batch_size,
        ),
        EXPRESSION_MODEL: onnx_config(
            EXPRESSION_MODEL,
            ModelInput(name=NETWORK_INPUT, data_type=TYPE_FP32, dims=input_shape),
            ModelOutput(name=EXPRESSION, data_type=TYPE_FP32, dims=classes),
            max_batch_size,
        ),
        MODEL: ensemble_config(crop_shape, labels, max_batch_size, provenance),
    }
    files = {f"{name}/{CONFIG}": config_text(config).encode() for name, config in configs.items()}
    return files | {
        f"{PREPROCESS_MODEL}/{ONNX}": preprocess_onnx,
        f"{EXPRESSION_MODEL}/{ONNX}": expression_onnx,
        f"{MODEL}/{LABELS}": "".join(f"{label}\n" for label in labels).encode(),
        # Triton wants a version folder for an ensemble too, and git keeps no empty folder.
        f"{MODEL}/1/.gitkeep": b"",
    }


def onnx_config(name: str, taken: ModelInput, given: ModelOutput, max_batch_size: int) -> ModelConfig:
    """A model that ONNX Runtime computes: batched over requests, warm before it reports READY."""
    config = ModelConfig(
        name=name, backend="onnxruntime", max_batch_size=max_batch_size, input=[taken], output=[given]
    )
    config.dynamic_batching.SetInParent()
    config.instance_group.add(count=INSTANCES[name])
    # Instances share the cores, so that more threads in each would only wait for one another.
    config.parameters["intra_op_thread_count"].string_value = "1"
    for batch_size in sorted({1, max_batch_size}):
        warmup = config.model_warmup.add(name=f"batch of {batch_size}", batch_size=batch_size)
        warmup.inputs[taken.name].data_type = taken.data_type
        warmup.inputs[taken.name].dims.extend(taken.dims)
        warmup.inputs[taken.name].random_data = True
    return config


def ensemble_config(
    crop_shape: Sequence[int], labels: Sequence[str], max_batch_size: int, provenance: Mapping[str, str]
) -> ModelConfig:
    """The model that clients call; see `fer_client.contract`."""
    config = ModelConfig(
        name=MODEL,
        platform="ensemble",
        max_batch_size=max_batch_size,
        input=[ModelInput(name=FACES, data_type=TYPE_UINT8, dims=crop_shape)],
        output=[ModelOutput(name=EXPRESSION, data_type=TYPE_FP32, dims=[len(labels)], label_filename=LABELS)],
    )
    for key, value in sorted({"labels": json.dumps(list(labels)), **provenance}.items()):
        config.parameters[key].string_value = value
    steps = ((PREPROCESS_MODEL, FACES, NETWORK_INPUT), (EXPRESSION_MODEL, NETWORK_INPUT, EXPRESSION))
    for model_name, taken, given in steps:
        # Version -1 is Triton's word for the newest.
        step = config.ensemble_scheduling.step.add(model_name=model_name, model_version=-1)
        step.input_map[taken] = taken
        step.output_map[given] = given
    return config


def config_text(config: ModelConfig) -> str:
    """The text that Triton reads, parsed back to make sure that nothing is lost."""
    text = text_format.MessageToString(config)
    if parse_config(text) != config:
        raise AssertionError(f"The configuration of {config.name} changes when it is written and read again.")
    return str(text)


def parse_config(text: str) -> ModelConfig:
    """Parse strictly, as Triton does; raises ValueError for an unknown field."""
    try:
        return text_format.Parse(text, ModelConfig())
    except text_format.ParseError as error:
        raise ValueError(str(error)) from error


def config_json(config: ModelConfig) -> dict[str, Any]:
    """The configuration as the JSON mapping that `fer_client.contract.read_contract` takes."""
    return dict(json_format.MessageToDict(config, preserving_proto_field_name=True))


def require_free(directory: Path, models: Iterable[str]) -> None:
    """Raise UsageError where the directory already holds one of the models."""
    present = sorted(name for name in models if (directory / name).exists())
    if present:
        raise UsageError(
            f"{directory} already holds {', '.join(present)}: name another folder, "
            "or give --overwrite to replace what is there."
        )


def write(files: Mapping[str, bytes], directory: Path, overwrite: bool = False) -> None:
    """Put every model's folder in place whole, or leave the directory as it was; other models in it are kept.

    Raises UsageError where a model is there already and may not be replaced, InputError where the directory cannot
    be written.
    """
    if not overwrite:
        require_free(directory, {path.split("/")[0] for path in files})
    try:
        directory.mkdir(parents=True, exist_ok=True)
        # Inside the directory, because a rename cannot leave a mounted volume.
        with tempfile.TemporaryDirectory(prefix=".fer-export-", dir=directory) as scratch:
            staged, replaced = Path(scratch, "new"), Path(scratch, "old")
            for path, content in files.items():
                target = staged / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            replaced.mkdir()
            _swap(staged, replaced, directory)
    except OSError as error:
        raise InputError(
            f"The model repository {directory} could not be written ({error.strerror}): free the folder, "
            "or name another with --model-repository."
        ) from error


def _swap(staged: Path, replaced: Path, directory: Path) -> None:
    moves: list[tuple[Path, Path]] = []
    try:
        for model in sorted(staged.iterdir()):
            for source, target in (
                (directory / model.name, replaced / model.name),
                (model, directory / model.name),
            ):
                if source.exists():
                    source.rename(target)
                    moves.append((source, target))
    except BaseException:  # also Ctrl-C: the old models come back whatever happens
        for source, target in reversed(moves):
            shutil.move(target, source)
        raise

"""Triton's configurations, built as protobuf, and the files of the model repository around them."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import json_format, text_format  # type: ignore[import-untyped]
from tritonclient.grpc.model_config_pb2 import TYPE_FP32, TYPE_UINT8, ModelConfig, ModelInput, ModelOutput

from fer_client.contract import EXPRESSION, FACES, MODEL, VALENCE_AROUSAL
from fer_client.errors import InputError

NETWORK_INPUT = "NETWORK_INPUT"
"""Tensor between `face_preprocess` and the networks."""

PREPROCESS_MODEL = "face_preprocess"
EXPRESSION_MODEL = "expression"
AFFECT_MODEL = "valence_arousal"
CONFIG = "config.pbtxt"
LABELS = "labels.txt"
ONNX = "model.onnx"
PLAN = "model.plan"

ACCURACY = "accuracy"
"""Parameter of the ensemble: what the export measured, as JSON."""

MODELS = (PREPROCESS_MODEL, EXPRESSION_MODEL, AFFECT_MODEL, MODEL)
"""Every model that an export may write; `valence_arousal` only where a network of its own computes it."""

INSTANCES = {PREPROCESS_MODEL: 1, EXPRESSION_MODEL: 2, AFFECT_MODEL: 2}
"""Two cores: an instance is a process on the embedded server and a thread on native Triton."""

MOST_WAITING = 128
LONGEST_WAIT_S = 10
"""Requests that wait for a model, and how long each. What is refused early can be asked again, while requests that
nobody waits for any more delay all others."""

OUTPUTS = (EXPRESSION, VALENCE_AROUSAL)
"""What clients get; other tensors go from model to model."""


@dataclass(frozen=True)
class Tensor:
    """A tensor of a model, without the batch; `data_type` is a member of Triton's DataType."""

    name: str
    data_type: int
    dims: tuple[int, ...]


@dataclass(frozen=True)
class ServedModel:
    """A model that ONNX Runtime computes: its file, its input and its outputs."""

    name: str
    onnx: bytes
    taken: Tensor
    given: tuple[Tensor, ...]


def served_models(
    graphs: Mapping[str, bytes],
    crop_shape: tuple[int, ...],
    input_shape: tuple[int, ...],
    outputs: Mapping[str, tuple[Tensor, ...]],
) -> list[ServedModel]:
    """List the models in the order of their steps: `face_preprocess`, then the networks, with what each gives."""
    faces = Tensor(FACES, TYPE_UINT8, crop_shape)
    network_input = Tensor(NETWORK_INPUT, TYPE_FP32, input_shape)
    first = ServedModel(PREPROCESS_MODEL, graphs[PREPROCESS_MODEL], faces, (network_input,))
    return [
        first,
        *(ServedModel(name, graphs[name], network_input, given) for name, given in outputs.items()),
    ]


def build(
    models: Sequence[ServedModel],
    labels: Sequence[str],
    max_batch_size: int,
    provenance: Mapping[str, str],
    version: int = 1,
) -> dict[str, bytes]:
    """Every file of one version of the repository by its path; `provenance` becomes parameters of the ensemble.

    `models` stand in the order in which the ensemble takes its steps; the first takes the crops. A first version
    stands alone and names no policy, a later one names itself as the only one to serve.
    """
    labels_file = LABELS if version == 1 else f"{version}/{LABELS}"
    configs = {model.name: onnx_config(model, max_batch_size) for model in models}
    configs[MODEL] = ensemble_config(models, labels, max_batch_size, provenance, labels_file)
    if version > 1:
        configs = {name: pinned(config, version) for name, config in configs.items()}
    files = {f"{name}/{CONFIG}": config_text(config).encode() for name, config in configs.items()}
    return files | {
        **{f"{model.name}/{version}/{ONNX}": model.onnx for model in models},
        f"{MODEL}/{labels_file}": "".join(f"{label}\n" for label in labels).encode(),
        # Triton wants a version folder for an ensemble too, and git keeps no empty folder.
        f"{MODEL}/{version}/.gitkeep": b"",
    }


def pinned(config: ModelConfig, version: int) -> ModelConfig:
    """The configuration that serves this version alone, whichever folders lie beside it."""
    alone = ModelConfig()
    alone.CopyFrom(config)
    alone.version_policy.Clear()
    alone.version_policy.specific.versions.append(version)
    return alone


def onnx_config(model: ServedModel, max_batch_size: int) -> ModelConfig:
    """A model that ONNX Runtime computes: batched over requests, warm before it reports READY."""
    taken = model.taken
    config = ModelConfig(
        name=model.name,
        backend="onnxruntime",
        max_batch_size=max_batch_size,
        input=[ModelInput(name=taken.name, data_type=taken.data_type, dims=taken.dims)],
        output=[_output(tensor) for tensor in model.given],
    )
    policy = config.dynamic_batching.default_queue_policy
    policy.max_queue_size = MOST_WAITING
    policy.default_timeout_microseconds = LONGEST_WAIT_S * 1_000_000
    policy.allow_timeout_override = True  # a request may shorten it
    config.instance_group.add(count=INSTANCES[model.name])
    # Instances share the cores, so that more threads in each would only wait for one another.
    config.parameters["intra_op_thread_count"].string_value = "1"
    for batch_size in sorted({1, max_batch_size}):
        warmup = config.model_warmup.add(name=f"batch of {batch_size}", batch_size=batch_size)
        warmup.inputs[taken.name].data_type = taken.data_type
        warmup.inputs[taken.name].dims.extend(taken.dims)
        warmup.inputs[taken.name].random_data = True
    return config


def ensemble_config(
    models: Sequence[ServedModel],
    labels: Sequence[str],
    max_batch_size: int,
    provenance: Mapping[str, str],
    labels_file: str,
) -> ModelConfig:
    """The model that clients call; see `fer_client.contract`. `labels_file` lies inside its folder."""
    faces, given = models[0].taken, [tensor for model in models for tensor in model.given]
    config = ModelConfig(
        name=MODEL,
        platform="ensemble",
        max_batch_size=max_batch_size,
        input=[ModelInput(name=faces.name, data_type=faces.data_type, dims=faces.dims)],
        output=[_output(tensor) for tensor in given if tensor.name in OUTPUTS],
    )
    for output in config.output:
        if output.name == EXPRESSION:
            output.label_filename = labels_file
    for key, value in sorted({"labels": json.dumps(list(labels)), **provenance}.items()):
        config.parameters[key].string_value = value
    for model in models:
        # Version -1 is Triton's word for the newest of those that are served.
        step = config.ensemble_scheduling.step.add(model_name=model.name, model_version=-1)
        step.input_map[model.taken.name] = model.taken.name
        for tensor in model.given:
            step.output_map[tensor.name] = tensor.name
    return config


def _output(tensor: Tensor) -> ModelOutput:
    return ModelOutput(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)


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


def parameter(config: ModelConfig, name: str) -> str:
    """One of the configuration's parameters, empty where it is not there; reading a map of protobuf would add it."""
    return str(config.parameters[name].string_value) if name in config.parameters else ""


def config_json(config: ModelConfig) -> dict[str, Any]:
    """The configuration as the JSON mapping that `fer_client.contract.read_contract` takes."""
    return dict(json_format.MessageToDict(config, preserving_proto_field_name=True))


def write(files: Mapping[str, bytes], directory: Path) -> None:
    """Put every model's folder in place whole, or leave the directory as it was; other models in it are kept.

    What MODELS held before goes with all its versions, also one that the ensemble no longer asks. Raises InputError
    where the directory cannot be written.
    """
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
        # Inside the directory, because a rename cannot leave a mounted volume.
        with tempfile.TemporaryDirectory(prefix=".fer-export-", dir=directory) as scratch:
            staged, replaced = Path(scratch, "new"), Path(scratch, "old")
            stage(files, staged)
            replaced.mkdir()
            _swap(staged, replaced, directory)


@contextmanager
def writing(directory: Path) -> Iterator[None]:
    """Turn what the file system refuses into the one sentence that says what to do."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"The model repository {directory} could not be written ({error.strerror}): free the folder, "
            "or name another with --model-repository."
        ) from error


def stage(files: Mapping[str, bytes], folder: Path) -> None:
    """Write the files into a folder that nobody reads yet."""
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _swap(staged: Path, replaced: Path, directory: Path) -> None:
    moves: list[tuple[Path, Path]] = []
    try:
        for name in sorted({*MODELS, *(path.name for path in staged.iterdir())}):
            for source, target in (
                (directory / name, replaced / name),
                (staged / name, directory / name),
            ):
                if source.exists():
                    source.rename(target)
                    moves.append((source, target))
    except BaseException:  # also Ctrl-C: the old models come back whatever happens
        for source, target in reversed(moves):
            shutil.move(target, source)
        raise

"""Whether a model repository fits together: configurations, ONNX graphs and contract, without a server."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from onnx import helper
from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig

from fer_client.contract import EXPRESSION, MODEL, Contract, read_contract
from fer_client.errors import ContractError, InputError
from fer_export.plans import compiled_for, mismatch, this_machine
from fer_export.repository import (
    ACCURACY,
    CONFIG,
    EXPRESSION_MODEL,
    ONNX,
    PLAN,
    config_json,
    parameter,
    parse_config,
)
from fer_export.targets import TARGET, is_marked, precision_of
from fer_export.versions import active_version, stored

FILES = {"onnxruntime": ONNX, "tensorrt": PLAN}
"""The file that each backend loads."""

Tensors = dict[str, tuple[str, tuple[int, ...]]]
"""Triton's data type (`FP32`, `UINT8`, …) and shape without the batch, by tensor name."""


@dataclass(frozen=True)
class Checked:
    """What was found: `models` says what computes each model, `problems` holds one sentence for each fault.

    `contract` is None where the ensemble does not fit it. Of the `versions`, `active` is checked. `accuracy` is what
    the export measured, as it recorded it; `notes` say what could not be checked on this machine.
    """

    models: dict[str, str]
    problems: list[str]
    contract: Contract | None
    active: int | None
    versions: list[int]
    accuracy: str
    notes: list[str]


def check(directory: Path) -> Checked:
    """Read every model of the repository as Triton would; raises InputError where there is no repository."""
    if not (directory / MODEL / CONFIG).is_file():
        raise InputError(
            f"{directory} is no model repository of this project, because it has no {MODEL}/{CONFIG}: "
            "name another folder or write one with fer-export NAME.keras."
        )
    configs, problems = _read_configs(directory)
    versions = {name: active_version(config, directory / name) for name, config in configs.items()}
    graphs = {}
    for name, config in configs.items():
        problems += [f"{name}: {problem}" for problem in _model_problems(config, directory / name)]
        path = directory / name / str(versions[name]) / ONNX
        if config.backend in FILES and path.is_file():
            try:
                graphs[name] = _read_graph(path)
                problems += [f"{name}: {problem}" for problem in _graph_problems(config, graphs[name])]
            except InputError as error:
                problems.append(f"{name}: {error}")
    problems += _version_problems(configs, versions)
    plan_problems, notes = _plan_problems(configs)
    problems += plan_problems
    contract = None
    if MODEL in configs:
        problems += [f"{MODEL}: {problem}" for problem in _ensemble_problems(configs)]
        try:
            contract = read_contract(_metadata(configs[MODEL]), config_json(configs[MODEL]))
            labels = _label_lists(configs[MODEL], directory / MODEL, graphs)
            problems += _label_problems(labels, contract.labels)
        except ContractError as error:
            problems.append(f"{MODEL}: {error}")
    accuracy = parameter(configs[MODEL], ACCURACY) if MODEL in configs else ""
    return Checked(
        {name: _engine(config) for name, config in configs.items()},
        problems,
        contract,
        versions.get(MODEL),
        stored(directory),
        accuracy,
        notes,
    )


def _engine(config: ModelConfig) -> str:
    """What computes a model: its backend, with the accelerator inside and the precision where they are not plain."""
    if not is_marked(config):
        return str(config.backend or config.platform)
    return f"{parameter(config, TARGET)} in {precision_of(config)}"


def _version_problems(
    configs: Mapping[str, ModelConfig], versions: Mapping[str, int | None]
) -> Iterator[str]:
    """A switch that was killed leaves models at different versions."""
    if MODEL not in configs:
        return
    for step in configs[MODEL].ensemble_scheduling.step:
        number = versions.get(step.model_name, versions[MODEL])
        if number != versions[MODEL]:
            yield (
                f"{step.model_name}: serves version {number}, {MODEL} version {versions[MODEL]}: activate one with "
                "fer-export activate."
            )


def _plan_problems(configs: Mapping[str, ModelConfig]) -> tuple[list[str], list[str]]:
    """What a plan was compiled for against this machine: problems, and notes where there is no GPU to compare with."""
    problems, notes = [], []
    for name, config in configs.items():
        if config.backend != "tensorrt":
            continue
        here, made = this_machine(), compiled_for(config)
        if here is None:
            notes.append(
                f"{name}: its plan is for {made.gpu or 'an unknown GPU'} and TensorRT {made.tensorrt or 'unknown'}; "
                "no GPU is here to compare it with."
            )
        else:
            problems += [f"{name}: {problem}" for problem in mismatch(config, here)]
    return problems, notes


def _read_configs(directory: Path) -> tuple[dict[str, ModelConfig], list[str]]:
    configs, problems = {}, []
    for folder in sorted(path for path in directory.iterdir() if path.is_dir()):
        try:
            configs[folder.name] = parse_config((folder / CONFIG).read_text(encoding="utf-8"))
        except FileNotFoundError:
            problems.append(f"{folder.name}: has no {CONFIG}.")
        except ValueError as error:
            problems.append(f"{folder.name}: Triton could not read {CONFIG} ({error}).")
    return configs, problems


def _read_graph(path: Path) -> onnx.ModelProto:
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # onnx lets protobuf's and its own errors through, without a common base.
        raise InputError(f"{ONNX} is no valid ONNX file ({str(error).strip().splitlines()[0]}).") from error
    return model


def _model_problems(config: ModelConfig, folder: Path) -> Iterator[str]:
    if config.name not in ("", folder.name):
        yield f"{CONFIG} names the model {config.name}."
    version = active_version(config, folder)
    if version is None:
        yield "has no version folder such as 1/."
    elif not (folder / str(version)).is_dir():
        yield f"{CONFIG} serves version {version}, and has no folder {version}/."
    if not config.backend and config.platform != "ensemble":
        yield f"{CONFIG} names no backend."
    elif (file := FILES.get(config.backend)) and not (folder / str(version) / file).is_file():
        yield f"has no {version}/{file}."
    if config.max_batch_size < 1:
        yield f"max_batch_size is {config.max_batch_size}, expected 1 or more."


def _graph_problems(config: ModelConfig, model: onnx.ModelProto) -> Iterator[str]:
    for kind, declared, tensors in (
        ("input", config.input, model.graph.input),
        ("output", config.output, model.graph.output),
    ):
        for tensor in tensors:
            if not any(size.dim_param for size in tensor.type.tensor_type.shape.dim[:1]):
                yield f"{kind} {tensor.name} of {ONNX} has a fixed batch, expected a symbolic dimension."
        if (configured := _configured(declared)) != (served := _graph_tensors(tensors)):
            yield f"{CONFIG} declares {kind} {_words(configured)}, {ONNX} has {_words(served)}."


def _ensemble_problems(configs: Mapping[str, ModelConfig]) -> Iterator[str]:
    """Walk the steps and compare each tensor with what the step before, or the client, puts there."""
    ensemble = configs[MODEL]
    known = _configured(ensemble.input)
    for step in ensemble.ensemble_scheduling.step:
        if step.model_name not in configs:
            yield f"step {step.model_name} is not among the models."
            continue
        model = configs[step.model_name]
        taken, given = _configured(model.input), _configured(model.output)
        if set(step.input_map) != set(taken) or not set(step.output_map) <= set(given):
            yield f"step {step.model_name} maps other tensors than the model has."
            continue
        if model.max_batch_size < ensemble.max_batch_size:
            yield f"step {step.model_name} takes {model.max_batch_size} at a time, not {ensemble.max_batch_size}."
        for inner, outer in step.input_map.items():
            if known.get(outer) != taken[inner]:
                wanted = _words({inner: taken[inner]})
                yield f"step {step.model_name} takes {wanted}, gets {_words(known, outer)}."
        known |= {outer: given[inner] for inner, outer in step.output_map.items()}
    for name, tensor in _configured(ensemble.output).items():
        if known.get(name) != tensor:
            yield f"declares the output {_words({name: tensor})}, the steps give {_words(known, name)}."


def _label_lists(
    config: ModelConfig, folder: Path, graphs: Mapping[str, onnx.ModelProto]
) -> dict[str, list[str]]:
    """Every other place that names the classes: the file of Triton's classification, and the network."""
    lists = {}
    filename = next(output.label_filename for output in config.output if output.name == EXPRESSION)
    if filename:
        path = folder / filename
        lists[f"{MODEL}/{filename}"] = (
            path.read_text("utf-8", errors="replace").splitlines() if path.is_file() else []
        )
    if EXPRESSION_MODEL in graphs:
        metadata = {entry.key: entry.value for entry in graphs[EXPRESSION_MODEL].metadata_props}
        lists[f"the {ONNX} of {EXPRESSION_MODEL}"] = _stated_labels(metadata.get("labels", "[]"))
    return lists


def _stated_labels(text: str) -> list[str]:
    """Labels as `fer-export` states them, a JSON list; of another's network whatever it says, as one."""
    try:
        labels = json.loads(text)
    except ValueError:
        return [text]
    return [str(label) for label in labels] if isinstance(labels, list) else [text]


def _label_problems(lists: Mapping[str, list[str]], labels: tuple[str, ...]) -> Iterator[str]:
    for place, found in lists.items():
        if tuple(found) != labels:
            listed = ", ".join(found) or "none"
            yield f"{MODEL}: clients read the labels {', '.join(labels)}, but {place} has {listed}."


def _metadata(config: ModelConfig) -> dict[str, Any]:
    """What a server that holds this configuration answers to ModelMetadata."""
    return {
        "inputs": [_tensor_metadata(name, *tensor) for name, tensor in _configured(config.input).items()],
        "outputs": [_tensor_metadata(name, *tensor) for name, tensor in _configured(config.output).items()],
        "versions": ["1"],
    }


def _tensor_metadata(name: str, datatype: str, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [-1, *shape]}


def _configured(tensors: Iterable[Any]) -> Tensors:
    return {
        tensor.name: (DataType.Name(tensor.data_type).removeprefix("TYPE_"), tuple(tensor.dims))
        for tensor in tensors
    }


def _graph_tensors(tensors: Iterable[onnx.ValueInfoProto]) -> Tensors:
    found = {}
    for tensor in tensors:
        dtype = helper.tensor_dtype_to_np_dtype(tensor.type.tensor_type.elem_type).name
        triton = dtype.upper().replace("FLOAT", "FP")
        found[tensor.name] = (triton, tuple(size.dim_value for size in tensor.type.tensor_type.shape.dim)[1:])
    return found


def _words(tensors: Tensors, name: str | None = None) -> str:
    chosen = {name: tensors[name]} if name in tensors else {} if name else tensors
    return " and ".join(f"{key} {dtype} {list(shape)}" for key, (dtype, shape) in chosen.items()) or "nothing"

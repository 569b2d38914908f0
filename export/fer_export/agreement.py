"""Whether everything that computes the network answers alike on the same crops: its file, ONNX, a plan, a server."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from fer_client.contract import EXPRESSION, VALENCE_AROUSAL, Contract
from fer_client.errors import ContractError, InputError, UsageError
from fer_client.inference.client import InferenceClient
from fer_export.answers import output_kind, probabilities
from fer_export.conversion import read_network
from fer_export.crops import UInt8Array, load_crops
from fer_export.parity import TOLERANCES, Difference, compare, own_outputs, served_answers, served_inputs
from fer_export.plans import plan_answers
from fer_export.preprocessing import Float32Array
from fer_export.repository import AFFECT_MODEL, CONFIG, EXPRESSION_MODEL, ONNX, PLAN, PREPROCESS_MODEL
from fer_export.settings import ExportSettings
from fer_export.targets import Precision, precision_of
from fer_export.versions import active_version, read_config

TIMEOUT_S = 60.0
"""Deadline for each batch that a server is asked."""

Answers = dict[str, Float32Array]


@dataclass(frozen=True)
class AgreementSettings:
    """What to compare; `url` is HOST:PORT of a server, `weights` the file that the repository was made of.

    `is_trusted` opens files that can hold code, `crops` is as for an export.
    """

    model_repository: Path
    url: str | None = None
    weights: Path | None = None
    is_trusted: bool = False
    crops: Path | None = None
    trtexec: str = "trtexec"


@dataclass(frozen=True)
class Compared:
    """How far one of them is from the reference, for each output."""

    name: str
    differences: dict[str, Difference]


@dataclass(frozen=True)
class Agreement:
    """What was compared on how many crops, the first being what the others are compared with."""

    reference: str
    crops: int
    precision: Precision
    compared: list[Compared]

    @property
    def tolerance(self) -> float:
        """The largest difference that the precision allows."""
        return TOLERANCES[self.precision]

    @property
    def agrees(self) -> bool:
        """Whether no difference is larger."""
        return all(
            difference.size <= self.tolerance
            for one in self.compared
            for difference in one.differences.values()
        )


def agreement(settings: AgreementSettings, contract: Contract) -> Agreement:
    """Ask everything that is there. `contract` is the repository's own, as `checking.check` read it.

    Raises UsageError where there is nothing to compare with, InputError, ServerError, and ContractError where the
    server serves something else.
    """
    faces = load_crops(settings.crops, contract.crop_shape).pixels
    found = dict(_all_answers(settings, contract, faces))
    if len(found) < 2:
        raise UsageError(
            "There is nothing to compare the ONNX files with: name a server with --url or the network with --weights."
        )
    (reference, expected), *others = found.items()
    compared = [
        Compared(
            name, {output: compare(own, given[output]) for output, own in expected.items() if output in given}
        )
        for name, given in others
    ]
    folder = settings.model_repository / EXPRESSION_MODEL
    return Agreement(reference, len(faces), precision_of(read_config(folder / CONFIG)), compared)


def _all_answers(
    settings: AgreementSettings, contract: Contract, faces: UInt8Array
) -> Iterator[tuple[str, Answers]]:
    """Names and answers, the most trustworthy first."""
    files = _files(settings.model_repository)
    if settings.weights is not None:
        yield settings.weights.name, _own_answers(settings, contract, files, faces)
    inputs = served_inputs(files, faces)
    yield "ONNX Runtime", served_answers(files, inputs)
    folder = settings.model_repository / EXPRESSION_MODEL
    config = read_config(folder / CONFIG)
    program = shutil.which(settings.trtexec)
    if config.backend == "tensorrt" and program is not None:
        plan = (folder / str(active_version(config, folder)) / PLAN).read_bytes()
        yield "TensorRT", plan_answers(program, plan, config, inputs)
    if settings.url is not None:
        yield f"the server at {settings.url}", _server_answers(settings.url, contract, faces)


def _files(repository: Path) -> dict[str, bytes]:
    """The ONNX files of the active version by model."""
    files = {}
    for name in (PREPROCESS_MODEL, EXPRESSION_MODEL, AFFECT_MODEL):
        if (repository / name / CONFIG).is_file():
            version = active_version(read_config(repository / name / CONFIG), repository / name)
            files[name] = (repository / name / str(version) / ONNX).read_bytes()
    return files


def _own_answers(
    settings: AgreementSettings, contract: Contract, files: dict[str, bytes], faces: UInt8Array
) -> Answers:
    """What the file of weights answers, with the input range that the export recorded in the ONNX file."""
    metadata = {
        entry.key: entry.value for entry in onnx.load_from_string(files[EXPRESSION_MODEL]).metadata_props
    }
    if settings.weights is None or "input_range" not in metadata:
        raise InputError(
            f"The ONNX file of {EXPRESSION_MODEL} does not say its input range: export it again with fer-export."
        )
    low, high = json.loads(metadata["input_range"])
    graph = onnx.load_from_string(files[EXPRESSION_MODEL]).graph
    height, width, channels = (size.dim_value for size in graph.input[0].type.tensor_type.shape.dim[1:])
    network: Any = read_network(
        ExportSettings(
            settings.weights,
            settings.model_repository,
            contract.labels,
            (low, high),
            is_trusted=settings.is_trusted,
            size=(height, width),
            channels=channels,
        )
    )
    outputs = own_outputs(network, faces)
    kind = output_kind(outputs)
    if kind == "probabilities":
        return {EXPRESSION: outputs}
    return {EXPRESSION: probabilities(outputs, network.description)}


def _server_answers(url: str, contract: Contract, faces: UInt8Array) -> Answers:
    with InferenceClient(url, TIMEOUT_S) as client:
        served = client.read_contract()
        if (served.crop_shape, served.labels) != (contract.crop_shape, contract.labels):
            raise ContractError(
                f"The server at {url} takes crops {list(served.crop_shape)} and gives {', '.join(served.labels)}, the "
                f"repository {list(contract.crop_shape)} and {', '.join(contract.labels)}: name the repository that "
                "it serves."
            )
        size = served.max_batch_size
        batches = [faces[start : start + size] for start in range(0, len(faces), size)]
        answers = [client.submit(batch, served).result() for batch in batches]
    expression = np.concatenate([answer.expression for answer in answers])
    affect = [answer.valence_arousal for answer in answers if answer.valence_arousal is not None]
    return {EXPRESSION: expression} | ({VALENCE_AROUSAL: np.concatenate(affect)} if affect else {})

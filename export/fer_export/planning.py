"""A TensorRT plan of what a repository serves, as its next version: compiled, compared, and only then written.

Needs neither TensorFlow nor the file of weights, so that it runs where the GPU is.
"""

from dataclasses import dataclass
from pathlib import Path

from fer_client.contract import EXPRESSION, VALENCE_AROUSAL, Contract
from fer_client.errors import UsageError
from fer_export.conversion import DIMENSIONS
from fer_export.crops import load_crops
from fer_export.parity import Difference, Gate, served_answers, served_inputs
from fer_export.plans import Machine, compile_plan, find_trtexec, plan_answers, with_plan
from fer_export.repository import CONFIG, EXPRESSION_MODEL, ONNX, PREPROCESS_MODEL, parse_config
from fer_export.targets import Precision, is_marked
from fer_export.versions import add, copied, next_version


@dataclass(frozen=True)
class PlanSettings:
    """What to compile and how.

    `optimum` is the batch size that TensorRT tunes for; other sizes from 1 to the model's largest work too. `trtexec`
    is the program's name or path. `activate` serves the new version at once.
    """

    model_repository: Path
    optimum: int = 32
    precision: Precision = "fp32"
    trtexec: str = "trtexec"
    activate: bool = False
    crops: Path | None = None


@dataclass(frozen=True)
class PlanReport:
    """The version that was written, what its plan is for, and how far its answers are from ONNX Runtime's."""

    version: int
    machine: Machine
    crops: int
    difference: Difference


def write_plan(settings: PlanSettings, contract: Contract) -> PlanReport:
    """Compile the active version; `contract` is the repository's own, as `checking.check` read it.

    The small graph of `face_preprocess` stays with ONNX Runtime. Raises UsageError where trtexec is missing, a size
    does not fit or the version is no plain one, InputError where trtexec fails, ParityError where the plan answers
    otherwise; the repository then stays as it was.
    """
    program = find_trtexec(settings.trtexec)
    version = next_version(settings.model_repository)
    files = copied(settings.model_repository, version)
    config = parse_config(files[f"{EXPRESSION_MODEL}/{CONFIG}"].decode())
    if is_marked(config):
        raise UsageError(
            f"{settings.model_repository} serves a version that is made for something else than ONNX Runtime in fp32: "
            "activate a plain one with fer-export activate."
        )
    graphs = {name: files[f"{name}/{version}/{ONNX}"] for name in (PREPROCESS_MODEL, EXPRESSION_MODEL)}
    crops = load_crops(settings.crops, contract.crop_shape)
    inputs = served_inputs(graphs, crops.pixels)
    columns = {EXPRESSION: contract.labels, VALENCE_AROUSAL: DIMENSIONS}
    gate = Gate(served_answers(graphs, inputs), columns, crops.names)
    plan = compile_plan(program, graphs[EXPRESSION_MODEL], config, settings.precision, settings.optimum)
    answers = plan_answers(program, plan.content, config, inputs)
    differences = gate.require(answers, settings.precision, "try another version of TensorRT, or fp32")
    add(
        with_plan(files, version, plan, settings.precision),
        version,
        settings.model_repository,
        settings.activate,
    )
    return PlanReport(version, plan.machine, len(crops.names), differences[EXPRESSION])

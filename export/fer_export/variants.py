"""What the server computes instead of the FP32 graphs in ONNX Runtime: each compared, and INT8 judged, before use."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from fer_client.errors import UsageError
from fer_export.accuracy import JUDGED_ON, MAX_LOSS, Accuracy, calibration_inputs, load_data, measure
from fer_export.conversion import Converted
from fer_export.parity import ParityError, served_answers, session_answers
from fer_export.plans import compile_plan, plan_answers, with_plan
from fer_export.preprocessing import Float32Array
from fer_export.quantization import halved, quantised
from fer_export.repository import ACCURACY, CONFIG, EXPRESSION_MODEL, parse_config
from fer_export.sessions import available, open_session
from fer_export.settings import ExportSettings
from fer_export.targets import PROVIDERS, Precision, fitted

NARROWED = "serve it in fp32"


@dataclass(frozen=True)
class Judged:
    """A network's accuracy by precision, on the data of this name; nothing where none was given."""

    data: str = ""
    by_precision: dict[Precision, Accuracy] = field(default_factory=dict)

    def parameter(self) -> dict[str, str]:
        """The same as a parameter of the ensemble."""
        if not self.by_precision:
            return {}
        record = {name: accuracy.as_record() for name, accuracy in self.by_precision.items()}
        return {ACCURACY: json.dumps({"data": f"{self.data} {JUDGED_ON}"} | record, sort_keys=True)}


def narrow(converted: Converted, settings: ExportSettings) -> tuple[Converted, Judged]:
    """The network in the precision that ONNX Runtime alone is to serve, and its accuracy beside that in FP32.

    Raises UsageError where INT8 has no data, ParityError where the answers differ or lose too much.
    """
    if settings.data is None:
        if settings.precision == "int8":
            raise UsageError(
                "INT8 is calibrated and judged on real crops: name a folder that fer-train prepare wrote with --data."
            )
        return _narrowed(converted, settings), Judged()
    dataset = load_data(settings.data, converted.network.description.labels)
    full = measure(converted.file(converted.graphs[EXPRESSION_MODEL]), dataset, converted.network)
    judged = Judged(str(dataset.description["name"]), {"fp32": full})
    is_calibrated = settings.precision == "int8"
    narrow = _narrowed(
        converted, settings, calibration_inputs(dataset, converted.network) if is_calibrated else ()
    )
    if narrow is not converted:
        result = measure(narrow.file(narrow.graphs[EXPRESSION_MODEL]), dataset, narrow.network)
        _require_accuracy(full, result, settings.precision)
        judged.by_precision[settings.precision] = result
    return narrow, judged


def _narrowed(
    converted: Converted, settings: ExportSettings, calibration: Iterable[Float32Array] = ()
) -> Converted:
    if settings.target != "onnxruntime" or settings.precision == "fp32":
        return converted
    graph = converted.graphs[EXPRESSION_MODEL]
    graph = halved(graph) if settings.precision == "fp16" else quantised(graph, calibration)
    narrow = replace(converted, graphs=converted.graphs | {EXPRESSION_MODEL: graph})
    answers = served_answers(narrow.files(), converted.inputs)
    differences = converted.gate.require(answers, settings.precision, NARROWED)
    return replace(narrow, answers=answers, differences=differences)


def _require_accuracy(full: Accuracy, narrow: Accuracy, precision: Precision) -> None:
    loss = full.decisive - narrow.decisive
    if loss > MAX_LOSS:
        raise ParityError(
            f"Nothing was written, because {precision} is right on {narrow.decisive:.2%} of {JUDGED_ON}, fp32 on "
            f"{full.decisive:.2%}, and at most {100 * MAX_LOSS:.1f} points may be lost: {NARROWED}."
        )


def aim(
    repository: Mapping[str, bytes],
    version: int,
    converted: Converted,
    settings: ExportSettings,
    trtexec: str,
) -> tuple[dict[str, bytes], Converted | None]:
    """The files of a version for the target, and the network with the target's own answers.

    None instead where nothing on this machine computes as the target does, so that it was not compared. Raises
    ParityError where the target answers otherwise, InputError where a plan cannot be compiled.
    """
    precision = settings.precision
    if settings.target == "tensorrt":
        config = parse_config(repository[f"{EXPRESSION_MODEL}/{CONFIG}"].decode())
        graph = converted.file(converted.graphs[EXPRESSION_MODEL])
        plan = compile_plan(trtexec, graph, config, precision, settings.optimum)
        answers = converted.answers | plan_answers(trtexec, plan.content, config, converted.inputs)
        differences = converted.gate.require(answers, precision, "try another version of TensorRT, or fp32")
        aimed = replace(converted, answers=answers, differences=differences)
        return with_plan(repository, version, plan, precision), aimed
    files = fitted(repository, settings.target, precision, settings.optimum)
    if settings.target == "onnxruntime":
        return files, converted
    provider = PROVIDERS[settings.target]
    if provider not in available():
        return files, None
    graph = converted.file(converted.graphs[EXPRESSION_MODEL])
    options = {"trt_fp16_enable": "1"} if precision == "fp16" else {}
    session = open_session(graph, provider=provider, options_of_provider=options)
    answers = converted.answers | session_answers(session, converted.inputs)
    differences = converted.gate.require(answers, precision, "serve it with ONNX Runtime alone")
    return files, replace(converted, answers=answers, differences=differences)

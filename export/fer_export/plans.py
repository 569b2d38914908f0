"""TensorRT plans: the network compiled for one GPU, on that GPU, in a model repository of its own."""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tritonclient.grpc.model_config_pb2 import ModelConfig

from fer_client.errors import InputError, UsageError
from fer_export.repository import (
    CONFIG,
    EXPRESSION_MODEL,
    MODELS,
    ONNX,
    PLAN,
    config_text,
    parse_config,
    require_free,
    write,
)


@dataclass(frozen=True)
class PlanSettings:
    """What to compile and how.

    `optimum` is the batch size that TensorRT tunes for; other sizes from 1 to the model's largest work too. `half`
    computes in FP16 where that is faster, at the cost of exactness. `trtexec` is the program's name or path.
    `overwrite` replaces models that `out` already holds.
    """

    model_repository: Path
    out: Path
    optimum: int = 32
    half: bool = False
    trtexec: str = "trtexec"
    overwrite: bool = False


def build_plan(settings: PlanSettings) -> None:
    """Write the repository `settings.out`: a copy whose model `expression` runs as a TensorRT plan.

    The small graph of `face_preprocess` stays with ONNX Runtime. Raises UsageError where trtexec is missing or a size
    does not fit or `out` is taken, InputError where the repository cannot be read or trtexec fails.
    """
    config = _read_config(settings.model_repository)
    if not settings.overwrite:
        require_free(settings.out, MODELS)
    if not 1 <= settings.optimum <= config.max_batch_size:
        raise UsageError(f"Expected a batch size from 1 to {config.max_batch_size}, got {settings.optimum}.")
    program = shutil.which(settings.trtexec)
    if program is None:
        raise UsageError(
            f"There is no program {settings.trtexec}: run this on the server's own GPU, in NVIDIA's TensorRT or Triton "
            "container, or name the program with --trtexec."
        )
    with tempfile.TemporaryDirectory() as scratch:
        plan = Path(scratch, "model.plan")
        onnx = settings.model_repository / EXPRESSION_MODEL / ONNX
        _run(trtexec_command(program, onnx, plan, config, settings.optimum, settings.half), plan)
        content = plan.read_bytes()
    write(_with_plan(settings.model_repository, config, content), settings.out, settings.overwrite)


def trtexec_command(
    program: str, onnx: Path, plan: Path, config: ModelConfig, optimum: int, half: bool
) -> list[str]:
    """The call of trtexec that compiles a graph for batches from 1 to the model's largest."""
    (taken,) = config.input
    shapes = {
        kind: f"{taken.name}:{'x'.join(map(str, (batch, *taken.dims)))}"
        for kind, batch in (("min", 1), ("opt", optimum), ("max", config.max_batch_size))
    }
    command = [program, f"--onnx={onnx}", f"--saveEngine={plan}", "--skipInference"]
    return command + [f"--{kind}Shapes={shape}" for kind, shape in shapes.items()] + ["--fp16"] * half


def plan_config(config: ModelConfig) -> ModelConfig:
    """The same model on Triton's TensorRT backend; threads of the processor mean nothing there."""
    planned = ModelConfig()
    planned.CopyFrom(config)
    planned.backend = "tensorrt"
    planned.platform = ""
    planned.parameters.clear()
    return planned


def _read_config(repository: Path) -> ModelConfig:
    path = repository / EXPRESSION_MODEL / CONFIG
    try:
        config = parse_config(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} could not be read ({error}): write it with fer-export NAME.keras."
        ) from error
    if not (repository / EXPRESSION_MODEL / ONNX).is_file():
        raise InputError(
            f"{repository} has no {EXPRESSION_MODEL}/{ONNX}: write it with fer-export NAME.keras."
        )
    return config


def _run(command: list[str], plan: Path) -> None:
    finished = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    if finished.returncode != 0 or not plan.is_file():
        told = [line.strip() for line in finished.stdout.splitlines() if line.strip()]
        errors = [line for line in told if "[E]" in line] or told or ["it said nothing"]
        raise InputError(
            f"trtexec ended with {finished.returncode} and wrote no plan ({errors[-1]}): run it by hand to see all: "
            f"{' '.join(command)}"
        )


def _with_plan(repository: Path, config: ModelConfig, plan: bytes) -> dict[str, bytes]:
    files = {
        path.relative_to(repository).as_posix(): path.read_bytes()
        for path in sorted(repository.rglob("*"))
        if path.is_file()
    }
    del files[f"{EXPRESSION_MODEL}/{ONNX}"]
    return files | {
        f"{EXPRESSION_MODEL}/{CONFIG}": config_text(plan_config(config)).encode(),
        f"{EXPRESSION_MODEL}/{PLAN}": plan,
    }

"""TensorRT plans: the network compiled by NVIDIA's `trtexec` for one GPU, on that GPU, and asked there.

A plan fits one kind of GPU and one version of TensorRT; both are recorded in the configuration.
"""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelInstanceGroup

from fer_client.errors import InputError, UsageError
from fer_export.preprocessing import Float32Array
from fer_export.repository import CONFIG, EXPRESSION_MODEL, PLAN, config_text, parameter, parse_config
from fer_export.targets import Precision, batch_shapes, marked

GPU, CAPABILITY, TENSORRT = "plan_gpu", "plan_compute_capability", "plan_tensorrt"
"""Parameters of the model that say for what its plan was compiled."""


@dataclass(frozen=True)
class Machine:
    """A GPU, its compute capability such as `9.0`, and the version of TensorRT such as `10.6.0`; empty: unknown."""

    gpu: str = ""
    capability: str = ""
    tensorrt: str = ""


@dataclass(frozen=True)
class Plan:
    """A compiled network and what it was compiled for."""

    content: bytes
    machine: Machine


def find_trtexec(name: str) -> str:
    """The path of TensorRT's program. Raises UsageError where there is none."""
    program = shutil.which(name)
    if program is None:
        raise UsageError(
            f"There is no program {name}: run this on the server's own GPU, in NVIDIA's TensorRT or Triton "
            "container, or name the program with --trtexec."
        )
    return program


def compile_plan(program: str, onnx: bytes, config: ModelConfig, precision: Precision, optimum: int) -> Plan:
    """Compile a graph for batches from 1 to the model's largest, with a profile for each of its instances.

    Raises UsageError for an optimum that the model does not take, InputError where trtexec fails.
    """
    with tempfile.TemporaryDirectory() as scratch:
        source, plan = Path(scratch, "model.onnx"), Path(scratch, "model.plan")
        source.write_bytes(onnx)
        told = _run(compile_command(program, source, plan, config, precision, optimum), plan)
        return Plan(plan.read_bytes(), _machine(told))


def compile_command(
    program: str, onnx: Path, plan: Path, config: ModelConfig, precision: Precision, optimum: int
) -> list[str]:
    """The call of trtexec; in FP32 without TF32, which rounds to ten bits and would break the promise of FP32."""
    shapes = [f"--{kind}Shapes={shape}" for kind, shape in batch_shapes(config, optimum).items()]
    count = sum(group.count for group in config.instance_group)
    profiles = [word for index in range(count) for word in (f"--profile={index}", *shapes)]
    return [
        program,
        f"--onnx={onnx}",
        f"--saveEngine={plan}",
        "--skipInference",
        *profiles,
        "--fp16" if precision == "fp16" else "--noTF32",
    ]


def plan_answers(
    program: str, plan: bytes, config: ModelConfig, batches: Sequence[Float32Array]
) -> dict[str, Float32Array]:
    """Every output of a plan by its name, FP32 [N, …], for batches of its input, computed on this machine's GPU.

    Raises InputError where trtexec fails or writes something else.
    """
    (taken,) = config.input
    shapes = {tensor.name: tuple(tensor.dims) for tensor in config.output}
    parts: dict[str, list[Float32Array]] = {name: [] for name in shapes}
    with tempfile.TemporaryDirectory() as scratch:
        engine, given, answer = (Path(scratch, name) for name in ("model.plan", "input.bin", "output.json"))
        engine.write_bytes(plan)
        for batch in batches:
            given.write_bytes(np.ascontiguousarray(batch, np.float32).tobytes())
            answer.unlink(missing_ok=True)
            shape = "x".join(map(str, batch.shape))
            command = [program, f"--loadEngine={engine}", f"--shapes={taken.name}:{shape}"]
            command += [f"--loadInputs={taken.name}:{given}", f"--exportOutput={answer}"]
            _run([*command, "--iterations=1", "--warmUp=0", "--duration=0"], answer)
            for name, values in _outputs(answer):
                if name in parts:
                    parts[name].append(values.reshape(len(batch), *shapes[name]))
    return {name: np.concatenate(part) for name, part in parts.items()}


def with_plan(files: Mapping[str, bytes], version: int, plan: Plan, precision: Precision) -> dict[str, bytes]:
    """The files of a version whose model `expression` runs as a plan; its ONNX file stays beside it, for checks."""
    path = f"{EXPRESSION_MODEL}/{CONFIG}"
    config = plan_config(parse_config(files[path].decode()), plan.machine, precision)
    return {
        **files,
        path: config_text(config).encode(),
        f"{EXPRESSION_MODEL}/{version}/{PLAN}": plan.content,
    }


def plan_config(config: ModelConfig, machine: Machine, precision: Precision) -> ModelConfig:
    """The same model on Triton's TensorRT backend, each instance with a profile of its own."""
    planned = ModelConfig()
    planned.CopyFrom(config)
    planned.backend = "tensorrt"
    planned.platform = ""
    # Threads of the processor mean nothing there.
    planned.parameters.clear()
    planned = marked(planned, "tensorrt", precision)
    for key, value in ((GPU, machine.gpu), (CAPABILITY, machine.capability), (TENSORRT, machine.tensorrt)):
        planned.parameters[key].string_value = value
    count = sum(group.count for group in config.instance_group)
    del planned.instance_group[:]
    for index in range(count):
        planned.instance_group.add(count=1, kind=ModelInstanceGroup.KIND_GPU, profile=[str(index)])
    return planned


def compiled_for(config: ModelConfig) -> Machine:
    """What a plan was compiled for, by its configuration."""
    return Machine(*(parameter(config, key) for key in (GPU, CAPABILITY, TENSORRT)))


def this_machine(trtexec: str = "trtexec") -> Machine | None:
    """The first GPU and TensorRT here, as far as their programs tell; None without a GPU."""
    query = ["nvidia-smi", "--query-gpu=name,compute_cap", "--format=csv,noheader"]
    told = _said(query).splitlines()
    if not told:
        return None
    gpu, _, capability = (part.strip() for part in told[0].rpartition(",")[0:3])
    program = shutil.which(trtexec)
    return Machine(gpu, capability, _machine(_said([program, "--help"])).tensorrt if program else "")


def mismatch(config: ModelConfig, here: Machine) -> Iterator[str]:
    """One sentence for each thing that differs between what a plan was compiled for and this machine."""
    made = compiled_for(config)
    for what, expected, found in (
        ("a GPU of compute capability", made.capability, here.capability),
        ("TensorRT", made.tensorrt, here.tensorrt),
    ):
        if expected and found and expected != found:
            yield (
                f"its plan was compiled for {what} {expected} ({made.gpu}), this machine has {found} ({here.gpu}): "
                "compile it here with fer-export plan."
            )


def _machine(told: str) -> Machine:
    def found(pattern: str) -> str:
        match = re.search(pattern, told)
        return match[1].strip() if match else ""

    version = found(r"\[TensorRT v(\d+)\]")
    return Machine(
        found(r"Selected Device: (.+)"),
        found(r"Compute Capability: (\S+)"),
        version and _dotted(int(version)),
    )


def _dotted(number: int) -> str:
    """TensorRT's number of a version: 8601 is 8.6.1, 100600 is 10.6.0."""
    base = 10_000 if number >= 10_000 else 1_000
    return f"{number // base}.{number % base // 100}.{number % 100}"


def _outputs(path: Path) -> Iterator[tuple[str, Float32Array]]:
    try:
        for entry in json.loads(path.read_text(encoding="utf-8")):
            yield entry["name"], np.array(entry["values"], np.float32)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"What trtexec wrote cannot be read as answers ({error}): the plan gives something else than numbers."
        ) from error


def _said(command: Sequence[str]) -> str:
    """What a program prints; nothing where it is not there or fails."""
    try:
        finished = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return finished.stdout if finished.returncode == 0 else ""


def _run(command: list[str], wanted: Path) -> str:
    """Run trtexec and give what it said. Raises InputError where it fails or the wanted file is not there."""
    finished = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    if finished.returncode != 0 or not wanted.is_file():
        told = [line.strip() for line in finished.stdout.splitlines() if line.strip()]
        errors = [line for line in told if "[E]" in line] or told or ["it said nothing"]
        missing = "plan" if wanted.suffix == ".plan" else "answers"
        raise InputError(
            f"trtexec ended with {finished.returncode} and wrote no {missing} ({errors[-1]}): run it by hand to see "
            f"all: {' '.join(command)}"
        )
    return finished.stdout

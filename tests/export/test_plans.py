"""TensorRT plans: the calls of trtexec, what is read from its log, and plans of a repository that is there."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.errors import InputError, UsageError
from fer_export.plans import (
    Machine,
    compile_command,
    compile_plan,
    compiled_for,
    find_trtexec,
    mismatch,
    plan_config,
    this_machine,
)
from fer_export.repository import parse_config
from support.repositories import built
from support.trtexec import write_trtexec

CONFIG = parse_config(built(b"pre", b"net")["expression/config.pbtxt"].decode())


def test_a_profile_for_each_instance_covers_all_batches() -> None:
    command = compile_command("trtexec", Path("a.onnx"), Path("a.plan"), CONFIG, "fp16", 16)

    shapes = [
        "--minShapes=NETWORK_INPUT:1x48x48x1",
        "--optShapes=NETWORK_INPUT:16x48x48x1",
        "--maxShapes=NETWORK_INPUT:64x48x48x1",
    ]
    assert command == [
        "trtexec",
        "--onnx=a.onnx",
        "--saveEngine=a.plan",
        "--skipInference",
        "--profile=0",
        *shapes,
        "--profile=1",
        *shapes,
        "--fp16",
    ]
    planned = plan_config(CONFIG, Machine("NVIDIA H200", "9.0", "10.6.0"), "fp16")
    assert [list(group.profile) for group in planned.instance_group] == [["0"], ["1"]]
    assert [tensor.name for tensor in planned.input] == ["NETWORK_INPUT"]
    assert planned.backend == "tensorrt"


def test_fp32_is_not_rounded() -> None:
    assert compile_command("t", Path("a"), Path("b"), CONFIG, "fp32", 1)[-1] == "--noTF32"


@pytest.mark.parametrize("optimum", [0, 65])
def test_batch_that_the_model_does_not_take(optimum: int) -> None:
    with pytest.raises(UsageError, match="from 1 to 64"):
        compile_command("t", Path("a"), Path("b"), CONFIG, "fp32", optimum)


@pytest.mark.parametrize(
    ("version", "read"), [("8601", "8.6.1"), ("100600", "10.6.0"), ("101303", "10.13.3")]
)
def test_gpu_and_version_are_read(tmp_path: Path, version: str, read: str) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra `export`")
    program = str(write_trtexec(tmp_path, version=version))

    plan = compile_plan(program, b"graph", CONFIG, "fp16", 16)

    assert plan.content == b"graph"
    assert plan.machine == Machine("NVIDIA H200", "9.0", read)


def test_failing_program_says_why(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra `export`")
    program = str(write_trtexec(tmp_path, fails="[E] no such GPU"))

    with pytest.raises(InputError, match=r"ended with 3 and wrote no plan \(\[E\] no such GPU\)"):
        compile_plan(program, b"graph", CONFIG, "fp32", 1)


def test_missing_program() -> None:
    with pytest.raises(UsageError, match="--trtexec"):
        find_trtexec("no-such-trtexec")


def test_plan_for_another_machine() -> None:
    planned = plan_config(CONFIG, Machine("NVIDIA H200", "9.0", "10.6.0"), "fp16")

    assert list(mismatch(planned, Machine("NVIDIA H200", "9.0", "10.6.0"))) == []
    assert list(mismatch(planned, Machine("NVIDIA L4", "8.9", ""))) == [
        "its plan was compiled for a GPU of compute capability 9.0 (NVIDIA H200), this machine has 8.9 (NVIDIA L4): "
        "compile it here with fer-export plan."
    ]
    (told,) = mismatch(planned, Machine("NVIDIA H200", "9.0", "10.13.3"))
    assert "TensorRT 10.6.0" in told
    assert compiled_for(CONFIG) == Machine()


def test_this_machine_is_what_nvidia_smi_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Skips nothing where a GPU is: its own program answers then in another place of the path."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA L4, 8.9'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    assert this_machine("no-such-trtexec") == Machine("NVIDIA L4", "8.9", "")

    program.write_text("#!/bin/sh\nexit 9\n")
    assert this_machine("no-such-trtexec") is None


@pytest.mark.keras
@pytest.mark.usefixtures("onnx", "ort")
class TestPlanOfARepository:
    @pytest.fixture
    def repository(self, tmp_path: Path) -> Path:
        from fer_export.exporting import export
        from fer_export.settings import ExportSettings
        from support.onnx_models import write_onnx

        weights, crops = write_onnx(tmp_path / "foreign.onnx", (1, 32, 32)), tmp_path / "crops.npy"
        np.save(crops, np.arange(0, 250, 60, dtype=np.uint8)[:, None, None] + np.eye(32, dtype=np.uint8))
        export(ExportSettings(weights, tmp_path / "repository", ("a", "b", "c"), (-9.0, 9.0), crops=crops))
        return tmp_path / "repository"

    def plan(self, repository: Path, **options: Any) -> Any:
        from fer_export.checking import check
        from fer_export.planning import PlanSettings, write_plan

        contract = check(repository).contract
        assert contract is not None
        return write_plan(
            PlanSettings(repository, crops=repository.with_name("crops.npy"), **options), contract
        )

    def test_it_is_the_next_version(self, repository: Path, tmp_path: Path) -> None:
        from fer_export.versions import active

        program = str(write_trtexec(tmp_path))

        report = self.plan(repository, trtexec=program, precision="fp16", activate=True)

        assert (report.version, active(repository)) == (2, 2)
        assert report.difference.size < 1e-5
        assert (repository / "expression/2/model.plan").is_file()
        assert (repository / "face_preprocess/2/model.onnx").is_file()
        with pytest.raises(UsageError, match="made for something else"):
            self.plan(repository, trtexec=program)

    def test_it_is_compared_first(self, repository: Path, tmp_path: Path) -> None:
        from fer_export.parity import ParityError

        with pytest.raises(ParityError, match="Nothing was written"):
            self.plan(repository, trtexec=str(write_trtexec(tmp_path, error=0.001)))

        assert not (repository / "expression/2").exists()
